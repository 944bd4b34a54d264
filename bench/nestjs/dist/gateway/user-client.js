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
import { HttpException, Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
/** The user service's patterns. Its refusals keep their status. */
let UserClient = class UserClient {
    client;
    constructor(client) {
        this.client = client;
    }
    create(user) {
        return this.ask('user.create', user);
    }
    findById(id) {
        return this.ask('user.findById', id);
    }
    validateCredentials(credentials) {
        return this.ask('user.validateCredentials', credentials);
    }
    async ask(pattern, data) {
        try {
            return await firstValueFrom(this.client.send(pattern, data));
        }
        catch (failed) {
            const { statusCode } = failed;
            throw statusCode ? new HttpException(failed, statusCode) : failed;
        }
    }
};
UserClient = __decorate([
    Injectable(),
    __param(0, Inject('USER_SERVICE')),
    __metadata("design:paramtypes", [ClientProxy])
], UserClient);
export { UserClient };
