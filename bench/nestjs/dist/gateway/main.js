var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
import 'reflect-metadata';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { PassportModule } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TerminusModule } from '@nestjs/terminus';
import { settings } from '../settings.js';
import { JwtStrategy } from './auth.js';
import { AuthController, HealthController, UsersController } from './controllers.js';
import { UserClient } from './user-client.js';
let GatewayModule = class GatewayModule {
};
GatewayModule = __decorate([
    Module({
        imports: [
            ClientsModule.register([{
                    name: 'USER_SERVICE',
                    transport: Transport.TCP,
                    options: { host: settings.userServiceHost, port: settings.userServicePort },
                }]),
            PassportModule,
            JwtModule.register({ secret: settings.jwtSecret }),
            TerminusModule,
        ],
        controllers: [AuthController, UsersController, HealthController],
        providers: [UserClient, JwtStrategy],
    })
], GatewayModule);
const app = await NestFactory.create(GatewayModule, new FastifyAdapter(), { logger: false });
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
const description = new DocumentBuilder().setTitle('Users').addBearerAuth().build();
SwaggerModule.setup('api/docs', app, SwaggerModule.createDocument(app, description));
app.enableShutdownHooks();
await app.listen(settings.gatewayPort, '127.0.0.1');
