import 'reflect-metadata';
import path from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
    EventPattern, MessagePattern, MicroserviceOptions, Payload, Transport,
} from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreateUserDto, Credentials, OrderCreated, OrderStatusChanged } from '../contracts.js';
import { settings } from '../settings.js';
import { PromptSocket } from '../socket.js';
import { User, UserOrder } from './entities.js';
import { Users1700000000000 } from './migrations.js';
import { Passwords } from './passwords.js';
import { UsersService } from './users.service.js';

@Controller()
class UsersController {
    constructor(private readonly users: UsersService) {}

    @MessagePattern('user.create')
    create(@Payload() user: CreateUserDto) {
        return this.users.create(user);
    }

    @MessagePattern('user.findById')
    findById(@Payload() id: string) {
        return this.users.findById(id);
    }

    @MessagePattern('user.validateCredentials')
    validateCredentials(@Payload() credentials: Credentials) {
        return this.users.validateCredentials(credentials);
    }

    @EventPattern('order.created')
    addOrder(@Payload() created: OrderCreated) {
        return this.users.addOrder(created);
    }

    @EventPattern('order.statusChanged')
    changeOrder(@Payload() changed: OrderStatusChanged) {
        return this.users.changeOrder(changed);
    }
}

@Module({
    imports: [
        TypeOrmModule.forRoot({
            type: 'better-sqlite3',
            database: path.join(settings.dataDirectory, 'user.sqlite'),
            entities: [User, UserOrder],
            migrations: [Users1700000000000],
            migrationsRun: true,
            enableWAL: true,
            prepareDatabase: (store) => store.pragma(`synchronous = ${settings.sqliteSynchronous}`),
        }),
        TypeOrmModule.forFeature([User, UserOrder]),
    ],
    controllers: [UsersController],
    providers: [UsersService, Passwords],
})
class UserServiceModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(UserServiceModule, {
    transport: Transport.TCP,
    options: {
        host: settings.userServiceHost,
        port: settings.userServicePort,
        socketClass: PromptSocket,
    },
    logger: false,
});
app.enableShutdownHooks();
await app.listen();
