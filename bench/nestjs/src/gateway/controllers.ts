import {
    Body, Controller, Get, HttpCode, Param, ParseUUIDPipe, Post, UseGuards,
} from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { TcpClientOptions, Transport } from '@nestjs/microservices';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import {
    HealthCheck, HealthCheckService, MemoryHealthIndicator, MicroserviceHealthIndicator,
} from '@nestjs/terminus';
import { CreateUserDto, Credentials, UserDetails } from '../contracts.js';
import { settings } from '../settings.js';
import { CurrentUser, JwtAuthGuard, Roles, RolesGuard } from './auth.js';
import { UserClient } from './user-client.js';

const MB = 1024 * 1024;
const TOKEN_LIFETIME_S = 3600;

@ApiTags('Auth')
@Controller('auth')
export class AuthController {
    constructor(private readonly users: UserClient, private readonly jwt: JwtService) {}

    @Post('login')
    @HttpCode(200)
    async login(@Body() credentials: Credentials) {
        const { id: sub, email, roles } = await this.users.validateCredentials(credentials);
        const access_token = await this.jwt.signAsync(
            { sub, email, roles }, { expiresIn: TOKEN_LIFETIME_S },
        );
        return { access_token, token_type: 'Bearer', expires_in: TOKEN_LIFETIME_S };
    }

    @Get('me')
    @ApiBearerAuth()
    @UseGuards(JwtAuthGuard)
    me(@CurrentUser() { orders, ...user }: UserDetails) {
        return user;
    }
}

@ApiTags('Users')
@Controller('users')
export class UsersController {
    constructor(private readonly users: UserClient) {}

    @Post()
    create(@Body() user: CreateUserDto) {
        return this.users.create(user);
    }

    @Get(':id')
    @ApiBearerAuth()
    @UseGuards(JwtAuthGuard, RolesGuard)
    @Roles('self', 'admin')
    findOne(@Param('id', ParseUUIDPipe) id: string) {
        return this.users.findById(id);
    }
}

@ApiTags('Health')
@Controller('health')
export class HealthController {
    constructor(
        private readonly health: HealthCheckService,
        private readonly memory: MemoryHealthIndicator,
        private readonly services: MicroserviceHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    check() {
        return this.health.check([
            () => this.ping('user-service', settings.userServiceHost, settings.userServicePort),
            () => this.ping('order-service', settings.orderServiceHost, settings.orderServicePort),
            () => this.memory.checkHeap('memory_heap', 256 * MB),
            () => this.memory.checkRSS('memory_rss', 512 * MB),
        ]);
    }

    @Get('live')
    @HealthCheck()
    live() {
        return this.health.check([]);
    }

    private ping(key: string, host: string, port: number) {
        return this.services.pingCheck<TcpClientOptions>(key, {
            transport: Transport.TCP, options: { host, port },
        });
    }
}
