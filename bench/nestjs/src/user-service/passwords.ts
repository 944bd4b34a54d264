import { Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import bcryptjs from 'bcryptjs';
import { settings } from '../settings.js';

const hasher = settings.passwordHash === 'bcrypt' ? bcrypt : bcryptjs;

/** Nobody's; what an unknown address is compared with, so that it takes as long as a known one. */
const STAND_IN = `$2b$${String(settings.bcryptCost).padStart(2, '0')}$${'.'.repeat(53)}`;

/** bcryptjs is JavaScript on the event loop; bcrypt is native code on libuv's threads. */
@Injectable()
export class Passwords {
    hash(password: string): Promise<string> {
        return hasher.hash(password, settings.bcryptCost);
    }

    async matches(password: string, hash?: string): Promise<boolean> {
        const same = await hasher.compare(password, hash ?? STAND_IN);
        return same && hash !== undefined;
    }
}
