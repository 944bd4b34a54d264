import { HttpException } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

/** Sends and waits for the answer. A service's refusals keep their status. */
export async function ask<T>(client: ClientProxy, pattern: string, data: unknown): Promise<T> {
    try {
        return await firstValueFrom(client.send<T>(pattern, data));
    } catch (failed) {
        const { statusCode } = failed as { statusCode?: number };
        throw statusCode ? new HttpException(failed as object, statusCode) : failed;
    }
}
