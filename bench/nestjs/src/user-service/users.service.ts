import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { QueryFailedError, Repository } from 'typeorm';
import { CreateUserDto, Credentials, OrderCreated, OrderStatusChanged } from '../contracts.js';
import { refusal } from '../refusal.js';
import { User, UserOrder } from './entities.js';
import { Passwords } from './passwords.js';

@Injectable()
export class UsersService {
    constructor(
        @InjectRepository(User) private readonly users: Repository<User>,
        @InjectRepository(UserOrder) private readonly orders: Repository<UserOrder>,
        private readonly passwords: Passwords,
    ) {}

    async create({ email, password, name, profile }: CreateUserDto) {
        const user = this.users.create({
            id: randomUUID(),
            email,
            name,
            passwordHash: await this.passwords.hash(password),
            isActive: true,
            roles: ['user'],
            profile: profile ?? null,
        });
        try {
            await this.users.insert(user);
        } catch (failed) {
            if (!(failed instanceof QueryFailedError)) throw failed;
            throw refusal(409, 'User with this email already exists', 'Conflict');
        }
        return this.users.findOneByOrFail({ id: user.id });
    }

    async findById(id: string) {
        const user = await this.users.findOneBy({ id });
        if (!user) throw refusal(404, 'User not found', 'Not Found');
        const orders = await this.orders.find({
            select: { id: true, total: true, currency: true, status: true, createdAt: true },
            where: { userId: id },
            order: { createdAt: 'DESC', id: 'DESC' },
            take: 20,
        });
        return { ...user, orders };
    }

    async validateCredentials({ email, password }: Credentials) {
        const found = await this.users
            .createQueryBuilder('user')
            .addSelect('user.passwordHash')
            .where('user.email = :email', { email })
            .getOne();
        const same = await this.passwords.matches(password, found?.passwordHash);
        if (!found || !same || !found.isActive) throw refusal(401, 'Invalid credentials', 'Unauthorized');
        const { passwordHash, ...user } = found;
        return user;
    }

    async addOrder({ orderId: id, userId, total, currency, createdAt }: OrderCreated) {
        await this.orders.insert({
            id, userId, total, currency, status: 'PENDING', createdAt: new Date(createdAt),
        });
    }

    async changeOrder({ orderId: id, newStatus: status }: OrderStatusChanged) {
        await this.orders.update({ id }, { status });
    }
}
