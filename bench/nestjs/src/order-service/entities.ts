import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { milliseconds, minorUnits } from '../columns.js';
import { Address, OrderItem } from '../contracts.js';

/** What happened, for ever. */
@Entity('events')
export class StoredEvent {
    @PrimaryGeneratedColumn() position: number;
    @Column('text') id: string;
    @Column('text', { name: 'stream_id' }) streamId: string;
    @Column('integer') version: number;
    @Column('text') type: string;
    @Column('simple-json') data: object;
    @Column('simple-json') metadata: { actor?: string; cause?: string };
    @Column('integer', { name: 'recorded_at', transformer: milliseconds }) recordedAt: Date;
}

/** The read model: the orders as they are now. */
@Entity('orders')
export class Order {
    @PrimaryColumn('text') id: string;
    @Column('text', { name: 'user_id' }) userId: string;
    @Column('simple-json') items: OrderItem[];
    @Column('integer', { transformer: minorUnits }) total: number;
    @Column('text') currency: string;
    @Column('simple-json', { name: 'shipping_address' }) shippingAddress: Address;
    @Column('text', { name: 'payment_method' }) paymentMethod: string;
    @Column('text') status: string;
    @Column('integer') version: number;
    @Column('integer', { name: 'created_at', transformer: milliseconds }) createdAt: Date;
    @Column('integer', { name: 'updated_at', transformer: milliseconds }) updatedAt: Date;
}

/** The first answer to each Idempotency-Key. */
@Entity('idempotency_keys')
export class IdempotencyKey {
    @PrimaryColumn('text', { name: 'user_id' }) userId: string;
    @PrimaryColumn('text') route: string;
    @PrimaryColumn('text') key: string;
    @Column('text') fingerprint: string;
    @Column('simple-json') answer: object;
}
