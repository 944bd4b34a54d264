var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
import { Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import bcryptjs from 'bcryptjs';
import { settings } from '../settings.js';
const hasher = settings.passwordHash === 'bcrypt' ? bcrypt : bcryptjs;
/** bcryptjs is JavaScript on the event loop; bcrypt is native code on libuv's threads. */
let Passwords = class Passwords {
    standIn = this.hash('nobody has this password');
    hash(password) {
        return hasher.hash(password, settings.bcryptCost);
    }
    /** Without a hash it takes as long as with one, and is false. */
    async matches(password, hash) {
        const same = await hasher.compare(password, hash ?? (await this.standIn));
        return same && hash !== undefined;
    }
};
Passwords = __decorate([
    Injectable()
], Passwords);
export { Passwords };
