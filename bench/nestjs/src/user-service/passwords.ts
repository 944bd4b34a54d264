import { Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import bcryptjs from 'bcryptjs';
import { settings } from '../settings.js';

const hasher = settings.passwordHash === 'bcrypt' ? bcrypt : bcryptjs;

/** bcryptjs is JavaScript on the event loop; bcrypt is native code on libuv's threads. */
@Injectable()
export class Passwords {
    private readonly standIn = this.hash('nobody has this password');

    hash(password: string): Promise<string> {
        return hasher.hash(password, settings.bcryptCost);
    }

    /** Without a hash it takes as long as with one, and is false. */
    async matches(password: string, hash?: string): Promise<boolean> {
        const same = await hasher.compare(password, hash ?? (await this.standIn));
        return same && hash !== undefined;
    }
}
