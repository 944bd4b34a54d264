import 'reflect-metadata';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { ClientProviderOptions, ClientsModule, Transport } from '@nestjs/microservices';
import { PassportModule } from '@nestjs/passport';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TerminusModule } from '@nestjs/terminus';
import { settings } from '../settings.js';
import { PromptSocket } from '../socket.js';
import { JwtStrategy } from './auth.js';
import { AuthController, HealthController, UsersController } from './controllers.js';
import { OrderClient } from './order-client.js';
import { OrdersController } from './orders.controller.js';
import { UserClient } from './user-client.js';

const service = (name: string, host: string, port: number): ClientProviderOptions => ({
    name, transport: Transport.TCP, options: { host, port, socketClass: PromptSocket },
});

@Module({
    imports: [
        ClientsModule.register([
            service('USER_SERVICE', settings.userServiceHost, settings.userServicePort),
            service('ORDER_SERVICE', settings.orderServiceHost, settings.orderServicePort),
        ]),
        PassportModule,
        JwtModule.register({ secret: settings.jwtSecret }),
        TerminusModule,
    ],
    controllers: [AuthController, UsersController, OrdersController, HealthController],
    providers: [UserClient, OrderClient, JwtStrategy],
})
class GatewayModule {}

const app = await NestFactory.create<NestFastifyApplication>(
    GatewayModule, new FastifyAdapter(), { logger: false },
);
app.useGlobalPipes(
    new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
);
const description = new DocumentBuilder().setTitle('Users and orders').addBearerAuth().build();
SwaggerModule.setup('api/docs', app, SwaggerModule.createDocument(app, description));
app.enableShutdownHooks();
await app.listen(settings.gatewayPort, '127.0.0.1');
