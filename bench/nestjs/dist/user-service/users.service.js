var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
var __param = (this && this.__param) || function (paramIndex, decorator) {
    return function (target, key) { decorator(target, key, paramIndex); }
};
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { QueryFailedError, Repository } from 'typeorm';
import { User, UserOrder } from './entities.js';
import { Passwords } from './passwords.js';
const refusal = (statusCode, message, error) => new RpcException({ message, error, statusCode });
let UsersService = class UsersService {
    users;
    orders;
    passwords;
    constructor(users, orders, passwords) {
        this.users = users;
        this.orders = orders;
        this.passwords = passwords;
    }
    async create({ email, password, name, profile }) {
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
        }
        catch (failed) {
            if (!(failed instanceof QueryFailedError))
                throw failed;
            throw refusal(409, 'User with this email already exists', 'Conflict');
        }
        return this.users.findOneByOrFail({ id: user.id });
    }
    async findById(id) {
        const user = await this.users.findOneBy({ id });
        if (!user)
            throw refusal(404, 'User not found', 'Not Found');
        const orders = await this.orders.find({
            select: { id: true, total: true, currency: true, status: true, createdAt: true },
            where: { userId: id },
            order: { createdAt: 'DESC', id: 'DESC' },
            take: 20,
        });
        return { ...user, orders };
    }
    async validateCredentials({ email, password }) {
        const found = await this.users
            .createQueryBuilder('user')
            .addSelect('user.passwordHash')
            .where('user.email = :email', { email })
            .getOne();
        const same = await this.passwords.matches(password, found?.passwordHash);
        if (!found || !same || !found.isActive)
            throw refusal(401, 'Invalid credentials', 'Unauthorized');
        const { passwordHash, ...user } = found;
        return user;
    }
};
UsersService = __decorate([
    Injectable(),
    __param(0, InjectRepository(User)),
    __param(1, InjectRepository(UserOrder)),
    __metadata("design:paramtypes", [Repository,
        Repository,
        Passwords])
], UsersService);
export { UsersService };
