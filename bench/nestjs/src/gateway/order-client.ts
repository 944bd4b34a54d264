import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import {
    Answer, HistoryEntry, NewOrder, OrderPage, Payment, ProcessPayment, PublicOrder, UserOrdersQuery,
} from '../contracts.js';
import { ask } from './ask.js';

/** The order service's patterns. */
@Injectable()
export class OrderClient {
    constructor(@Inject('ORDER_SERVICE') private readonly client: ClientProxy) {}

    create(order: NewOrder) {
        return ask<Answer<PublicOrder>>(this.client, 'order.create', order);
    }

    findById(id: string) {
        return ask<PublicOrder>(this.client, 'order.findById', id);
    }

    findByUser(query: UserOrdersQuery) {
        return ask<OrderPage>(this.client, 'order.findByUser', query);
    }

    processPayment(payment: ProcessPayment) {
        return ask<Answer<Payment>>(this.client, 'order.processPayment', payment);
    }

    history(id: string) {
        return ask<HistoryEntry[]>(this.client, 'order.history', id);
    }
}
