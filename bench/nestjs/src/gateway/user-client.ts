import { HttpException, Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { CreateUserDto, Credentials, PublicUser, UserDetails } from '../contracts.js';

/** The user service's patterns. Its refusals keep their status. */
@Injectable()
export class UserClient {
    constructor(@Inject('USER_SERVICE') private readonly client: ClientProxy) {}

    create(user: CreateUserDto) {
        return this.ask<PublicUser>('user.create', user);
    }

    findById(id: string) {
        return this.ask<UserDetails>('user.findById', id);
    }

    validateCredentials(credentials: Credentials) {
        return this.ask<PublicUser>('user.validateCredentials', credentials);
    }

    private async ask<T>(pattern: string, data: unknown): Promise<T> {
        try {
            return await firstValueFrom(this.client.send<T>(pattern, data));
        } catch (failed) {
            const { statusCode } = failed as { statusCode?: number };
            throw statusCode ? new HttpException(failed as object, statusCode) : failed;
        }
    }
}
