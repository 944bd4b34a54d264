import 'reflect-metadata';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { PassportModule } from '@nestjs/passport';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TerminusModule } from '@nestjs/terminus';
import { settings } from '../settings.js';
import { PromptSocket } from '../socket.js';
import { JwtStrategy } from './auth.js';
import { AuthController, HealthController, UsersController } from './controllers.js';
import { UserClient } from './user-client.js';

@Module({
    imports: [
        ClientsModule.register([{
            name: 'USER_SERVICE',
            transport: Transport.TCP,
            options: {
                host: settings.userServiceHost,
                port: settings.userServicePort,
                socketClass: PromptSocket,
            },
        }]),
        PassportModule,
        JwtModule.register({ secret: settings.jwtSecret }),
        TerminusModule,
    ],
    controllers: [AuthController, UsersController, HealthController],
    providers: [UserClient, JwtStrategy],
})
class GatewayModule {}

const app = await NestFactory.create<NestFastifyApplication>(
    GatewayModule, new FastifyAdapter(), { logger: false },
);
app.useGlobalPipes(
    new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
);
const description = new DocumentBuilder().setTitle('Users').addBearerAuth().build();
SwaggerModule.setup('api/docs', app, SwaggerModule.createDocument(app, description));
app.enableShutdownHooks();
await app.listen(settings.gatewayPort, '127.0.0.1');
