import 'reflect-metadata';
import path from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
    ClientsModule, MessagePattern, MicroserviceOptions, Payload, Transport,
} from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { NewOrder, ProcessPayment, UserOrdersQuery } from '../contracts.js';
import { settings } from '../settings.js';
import { PromptSocket } from '../socket.js';
import { IdempotencyKey, Order, StoredEvent } from './entities.js';
import { Orders1700000000000 } from './migrations.js';
import { OrdersService } from './orders.service.js';
import { SandboxProvider } from './provider.js';
import { Writer } from './writer.js';

@Controller()
class OrdersController {
    constructor(private readonly orders: OrdersService) {}

    @MessagePattern('order.create')
    create(@Payload() order: NewOrder) {
        return this.orders.create(order);
    }

    @MessagePattern('order.findById')
    findById(@Payload() id: string) {
        return this.orders.findById(id);
    }

    @MessagePattern('order.findByUser')
    findByUser(@Payload() query: UserOrdersQuery) {
        return this.orders.findByUser(query);
    }

    @MessagePattern('order.processPayment')
    processPayment(@Payload() payment: ProcessPayment) {
        return this.orders.processPayment(payment);
    }

    @MessagePattern('order.history')
    history(@Payload() id: string) {
        return this.orders.history(id);
    }
}

@Module({
    imports: [
        TypeOrmModule.forRoot({
            type: 'better-sqlite3',
            database: path.join(settings.dataDirectory, 'order.sqlite'),
            entities: [StoredEvent, Order, IdempotencyKey],
            migrations: [Orders1700000000000],
            migrationsRun: true,
            enableWAL: true,
            prepareDatabase: (store) => store.pragma(`synchronous = ${settings.sqliteSynchronous}`),
        }),
        TypeOrmModule.forFeature([StoredEvent, Order]),
        ClientsModule.register([{
            name: 'USER_SERVICE',
            transport: Transport.TCP,
            options: {
                host: settings.userServiceHost,
                port: settings.userServicePort,
                socketClass: PromptSocket,
            },
        }]),
    ],
    controllers: [OrdersController],
    providers: [OrdersService, SandboxProvider, Writer],
})
class OrderServiceModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(OrderServiceModule, {
    transport: Transport.TCP,
    options: {
        host: settings.orderServiceHost,
        port: settings.orderServicePort,
        socketClass: PromptSocket,
    },
    logger: false,
});
app.enableShutdownHooks();
await app.listen();
