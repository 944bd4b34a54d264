var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
var __param = (this && this.__param) || function (paramIndex, decorator) {
    return function (target, key) { decorator(target, key, paramIndex); }
};
import { Body, Controller, Get, HttpCode, Param, ParseUUIDPipe, Post, UseGuards, } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Transport } from '@nestjs/microservices';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, MemoryHealthIndicator, MicroserviceHealthIndicator, } from '@nestjs/terminus';
import { CreateUserDto, Credentials } from '../contracts.js';
import { settings } from '../settings.js';
import { CurrentUser, JwtAuthGuard, Roles, RolesGuard } from './auth.js';
import { UserClient } from './user-client.js';
const MB = 1024 * 1024;
const TOKEN_LIFETIME_S = 3600;
let AuthController = class AuthController {
    users;
    jwt;
    constructor(users, jwt) {
        this.users = users;
        this.jwt = jwt;
    }
    async login(credentials) {
        const { id: sub, email, roles } = await this.users.validateCredentials(credentials);
        const access_token = await this.jwt.signAsync({ sub, email, roles }, { expiresIn: TOKEN_LIFETIME_S });
        return { access_token, token_type: 'Bearer', expires_in: TOKEN_LIFETIME_S };
    }
    me({ orders, ...user }) {
        return user;
    }
};
__decorate([
    Post('login'),
    HttpCode(200),
    __param(0, Body()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [Credentials]),
    __metadata("design:returntype", Promise)
], AuthController.prototype, "login", null);
__decorate([
    Get('me'),
    ApiBearerAuth(),
    UseGuards(JwtAuthGuard),
    __param(0, CurrentUser()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [Object]),
    __metadata("design:returntype", void 0)
], AuthController.prototype, "me", null);
AuthController = __decorate([
    ApiTags('Auth'),
    Controller('auth'),
    __metadata("design:paramtypes", [UserClient, JwtService])
], AuthController);
export { AuthController };
let UsersController = class UsersController {
    users;
    constructor(users) {
        this.users = users;
    }
    create(user) {
        return this.users.create(user);
    }
    findOne(id) {
        return this.users.findById(id);
    }
};
__decorate([
    Post(),
    __param(0, Body()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [CreateUserDto]),
    __metadata("design:returntype", void 0)
], UsersController.prototype, "create", null);
__decorate([
    Get(':id'),
    ApiBearerAuth(),
    UseGuards(JwtAuthGuard, RolesGuard),
    Roles('self', 'admin'),
    __param(0, Param('id', ParseUUIDPipe)),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [String]),
    __metadata("design:returntype", void 0)
], UsersController.prototype, "findOne", null);
UsersController = __decorate([
    ApiTags('Users'),
    Controller('users'),
    __metadata("design:paramtypes", [UserClient])
], UsersController);
export { UsersController };
let HealthController = class HealthController {
    health;
    memory;
    services;
    constructor(health, memory, services) {
        this.health = health;
        this.memory = memory;
        this.services = services;
    }
    check() {
        const { userServiceHost: host, userServicePort: port } = settings;
        return this.health.check([
            () => this.services.pingCheck('user-service', {
                transport: Transport.TCP, options: { host, port },
            }),
            () => this.memory.checkHeap('memory_heap', 256 * MB),
            () => this.memory.checkRSS('memory_rss', 512 * MB),
        ]);
    }
    live() {
        return this.health.check([]);
    }
};
__decorate([
    Get(),
    HealthCheck(),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", []),
    __metadata("design:returntype", void 0)
], HealthController.prototype, "check", null);
__decorate([
    Get('live'),
    HealthCheck(),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", []),
    __metadata("design:returntype", void 0)
], HealthController.prototype, "live", null);
HealthController = __decorate([
    ApiTags('Health'),
    Controller('health'),
    __metadata("design:paramtypes", [HealthCheckService,
        MemoryHealthIndicator,
        MicroserviceHealthIndicator])
], HealthController);
export { HealthController };
