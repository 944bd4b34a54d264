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
import 'reflect-metadata';
import path from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreateUserDto, Credentials } from '../contracts.js';
import { settings } from '../settings.js';
import { User, UserOrder } from './entities.js';
import { Users1700000000000 } from './migrations.js';
import { Passwords } from './passwords.js';
import { UsersService } from './users.service.js';
let UsersController = class UsersController {
    users;
    constructor(users) {
        this.users = users;
    }
    create(user) {
        return this.users.create(user);
    }
    findById(id) {
        return this.users.findById(id);
    }
    validateCredentials(credentials) {
        return this.users.validateCredentials(credentials);
    }
};
__decorate([
    MessagePattern('user.create'),
    __param(0, Payload()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [CreateUserDto]),
    __metadata("design:returntype", void 0)
], UsersController.prototype, "create", null);
__decorate([
    MessagePattern('user.findById'),
    __param(0, Payload()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [String]),
    __metadata("design:returntype", void 0)
], UsersController.prototype, "findById", null);
__decorate([
    MessagePattern('user.validateCredentials'),
    __param(0, Payload()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [Credentials]),
    __metadata("design:returntype", void 0)
], UsersController.prototype, "validateCredentials", null);
UsersController = __decorate([
    Controller(),
    __metadata("design:paramtypes", [UsersService])
], UsersController);
let UserServiceModule = class UserServiceModule {
};
UserServiceModule = __decorate([
    Module({
        imports: [
            TypeOrmModule.forRoot({
                type: 'better-sqlite3',
                database: path.join(settings.dataDirectory, 'user.sqlite'),
                entities: [User, UserOrder],
                migrations: [Users1700000000000],
                migrationsRun: true,
                enableWAL: true,
            }),
            TypeOrmModule.forFeature([User, UserOrder]),
        ],
        controllers: [UsersController],
        providers: [UsersService, Passwords],
    })
], UserServiceModule);
const app = await NestFactory.createMicroservice(UserServiceModule, {
    transport: Transport.TCP,
    options: { host: settings.userServiceHost, port: settings.userServicePort },
    logger: false,
});
app.enableShutdownHooks();
await app.listen();
