import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { EntityManager, QueryFailedError, Repository } from 'typeorm';
import { NewOrder, OrderItem, ProcessPayment, UserOrdersQuery } from '../contracts.js';
import { refusal } from '../refusal.js';
import { settings } from '../settings.js';
import { IdempotencyKey, Order, StoredEvent } from './entities.js';
import { SandboxProvider } from './provider.js';
import { Writer } from './writer.js';

const total = (items: OrderItem[]) =>
    items.reduce((sum, { price, quantity }) => sum + Math.round(price * 100) * quantity, 0) / 100;

const notPayable = () =>
    refusal(409, 'Only an order that is PENDING can be paid; this one is not', 'Conflict');

function eventOf(
    order: Order, version: number, type: string, data: object, metadata: StoredEvent['metadata'],
): Omit<StoredEvent, 'position'> {
    return {
        id: randomUUID(), streamId: order.id, version, type, data, metadata, recordedAt: new Date(),
    };
}

const printCursor = ({ createdAt, id }: Order) =>
    Buffer.from(`${createdAt.getTime()}|${id}`).toString('base64url');

function parseCursor(cursor: string) {
    const [time, id] = Buffer.from(cursor, 'base64url').toString().split('|');
    if (!id || !/^\d+$/.test(time)) {
        throw refusal(400, 'cursor must be the nextCursor of an earlier page', 'Bad Request');
    }
    return { time: Number(time), id };
}

@Injectable()
export class OrdersService {
    constructor(
        @InjectRepository(Order) private readonly orders: Repository<Order>,
        @InjectRepository(StoredEvent) private readonly events: Repository<StoredEvent>,
        @Inject('USER_SERVICE') private readonly listeners: ClientProxy,
        private readonly writer: Writer,
        private readonly provider: SandboxProvider,
    ) {}

    async create({ userId, idempotencyKey, ...dto }: NewOrder) {
        const createdAt = new Date();
        const order: Order = {
            id: randomUUID(), userId, ...dto, total: total(dto.items), currency: settings.currency,
            status: 'PENDING', version: 1, createdAt, updatedAt: createdAt,
        };
        const { id: orderId, items, currency, shippingAddress, paymentMethod } = order;
        const created = {
            orderId, userId, items, total: order.total, currency, shippingAddress, paymentMethod, createdAt,
        };
        return this.once('POST /orders', userId, idempotencyKey, dto, order, async (manager) => {
            const event = eventOf(order, 1, 'order.created', created, { actor: userId });
            await manager.insert(StoredEvent, event);
            await manager.insert(Order, order);
            return () => this.listeners.emit('order.created', created);
        });
    }

    async findById(id: string) {
        const order = await this.orders.findOneBy({ id });
        if (!order) throw refusal(404, 'Order not found', 'Not Found');
        return order;
    }

    async findByUser({ userId, limit, cursor, status }: UserOrdersQuery) {
        const query = this.orders
            .createQueryBuilder('o')
            .where('o.userId = :userId', { userId })
            .orderBy('o.createdAt', 'DESC')
            .addOrderBy('o.id', 'DESC')
            .limit(limit + 1);
        if (status) query.andWhere('+o.status = :status', { status });
        if (cursor) query.andWhere('(o.createdAt, o.id) < (:time, :id)', parseCursor(cursor));
        const items = await query.getMany();
        const more = items.length > limit;
        if (more) items.pop();
        return { items, nextCursor: more ? printCursor(items[items.length - 1]) : null };
    }

    /** The version in the key of the events refuses a second payment that runs at the same time. */
    async processPayment({ orderId, userId, paymentToken, idempotencyKey }: ProcessPayment) {
        const order = await this.findById(orderId);
        if (order.userId !== userId) throw refusal(403, 'Forbidden resource', 'Forbidden');
        const { total: amount, currency, version } = order;
        const processedAt = new Date();
        const payment = { id: randomUUID(), orderId, amount, currency, status: '', createdAt: processedAt };
        const body = { orderId, paymentToken };
        return this.once('POST /orders/:id/payments', userId, idempotencyKey, body, payment, async (manager) => {
            if (order.status !== 'PENDING') throw notPayable();
            const accepted = await this.provider.charge(payment.id, amount, currency, paymentToken);
            payment.status = accepted ? 'SUCCESS' : 'FAILED';
            const about = { actor: userId, cause: payment.id };
            const events = [eventOf(order, version + 1, 'payment.processed', {
                orderId, userId, paymentId: payment.id, amount, currency, status: payment.status, processedAt,
            }, about)];
            const changed = {
                orderId, userId, previousStatus: order.status, newStatus: 'PAID', changedAt: processedAt,
            };
            if (accepted) events.push(eventOf(order, version + 2, 'order.statusChanged', changed, about));
            await this.append(manager, events);
            await manager.update(Order, { id: orderId }, {
                status: accepted ? 'PAID' : order.status, version: version + events.length,
                updatedAt: processedAt,
            });
            return () => accepted && this.listeners.emit('order.statusChanged', changed);
        });
    }

    async history(id: string) {
        const events = await this.events.find({ where: { streamId: id }, order: { version: 'ASC' } });
        return events.map(({ position, streamId, metadata, ...event }) => ({ ...event, ...metadata }));
    }

    private async append(manager: EntityManager, events: Omit<StoredEvent, 'position'>[]) {
        try {
            await manager.insert(StoredEvent, events);
        } catch (failed) {
            throw failed instanceof QueryFailedError ? notPayable() : failed;
        }
    }

    /** The work in one transaction, with the key's answer if there is a key; then what is to be emitted. */
    private async once<T extends object>(
        route: string, userId: string, key: string | undefined, body: object, answer: T,
        work: (manager: EntityManager) => Promise<() => unknown>,
    ): Promise<object> {
        const emit = { now: (): unknown => undefined };
        const given = await this.writer.transaction(async (manager) => {
            const fingerprint = key && createHash('sha256').update(JSON.stringify(body)).digest('hex');
            const first = key && (await manager.findOneBy(IdempotencyKey, { userId, route, key }));
            if (first && first.fingerprint !== fingerprint) {
                throw refusal(422, 'Idempotency-Key was used for another request already', 'Unprocessable Entity');
            }
            if (first) return { ...first.answer, replayed: true };
            emit.now = await work(manager);
            if (key) await manager.insert(IdempotencyKey, { userId, route, key, fingerprint, answer });
            return answer;
        });
        emit.now();
        return given;
    }
}
