import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import { Profile } from '../contracts.js';
import { minorUnits } from '../columns.js';

@Entity('users')
export class User {
    @PrimaryColumn('text') id: string;
    @Column('text') email: string;
    @Column('text') name: string;
    @Column('text', { name: 'password_hash', select: false }) passwordHash: string;
    @Column('boolean', { name: 'is_active', default: true }) isActive: boolean;
    @Column('simple-json') roles: string[];
    @Column('simple-json', { nullable: true }) profile: Profile | null;
    @CreateDateColumn({ name: 'created_at' }) createdAt: Date;
    @UpdateDateColumn({ name: 'updated_at' }) updatedAt: Date;
}

@Entity('user_orders')
export class UserOrder {
    @PrimaryColumn('text') id: string;
    @Column('text', { name: 'user_id' }) userId: string;
    @Column('integer', { transformer: minorUnits }) total: number;
    @Column('text') currency: string;
    @Column('text') status: string;
    @Column('datetime', { name: 'created_at' }) createdAt: Date;
}
