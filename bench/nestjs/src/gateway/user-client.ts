import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { CreateUserDto, Credentials, PublicUser, UserDetails } from '../contracts.js';
import { ask } from './ask.js';

/** The user service's patterns. */
@Injectable()
export class UserClient {
    constructor(@Inject('USER_SERVICE') private readonly client: ClientProxy) {}

    create(user: CreateUserDto) {
        return ask<PublicUser>(this.client, 'user.create', user);
    }

    findById(id: string) {
        return ask<UserDetails>(this.client, 'user.findById', id);
    }

    validateCredentials(credentials: Credentials) {
        return ask<PublicUser>(this.client, 'user.validateCredentials', credentials);
    }
}
