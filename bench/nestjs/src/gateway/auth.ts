import { createSecretKey } from 'node:crypto';
import {
    CanActivate, createParamDecorator, ExecutionContext, ForbiddenException, Injectable, SetMetadata,
    UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { UserDetails } from '../contracts.js';
import { settings } from '../settings.js';
import { UserClient } from './user-client.js';

// With a string, as the documentation shows it, jsonwebtoken tries on each request to read it as a
// public key first, which takes longer than all the rest. The types do not know key objects.
const key = createSecretKey(Buffer.from(settings.jwtSecret)) as unknown as Buffer;

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
    constructor(private readonly users: UserClient) {
        super({
            jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
            secretOrKey: key,
            algorithms: ['HS256'],
        });
    }

    async validate({ sub }: { sub: string }): Promise<UserDetails> {
        const user = await this.users.findById(sub).catch((failed) => {
            throw failed.getStatus?.() === 404 ? new UnauthorizedException() : failed;
        });
        if (!user.isActive) throw new UnauthorizedException();
        return user;
    }
}

export class JwtAuthGuard extends AuthGuard('jwt') {}

export const Roles = (...roles: string[]) => SetMetadata('roles', roles);

/** Whoever has one of the roles; 'self' is the user whose id is in the path. */
@Injectable()
export class RolesGuard implements CanActivate {
    constructor(private readonly reflector: Reflector) {}

    canActivate(context: ExecutionContext): boolean {
        const roles = this.reflector.getAllAndOverride<string[] | undefined>('roles', [
            context.getHandler(), context.getClass(),
        ]);
        const { user, params } = context.switchToHttp().getRequest();
        if (!roles || (roles.includes('self') && params.id === user.id)) return true;
        if (roles.some((role) => user.roles.includes(role))) return true;
        throw new ForbiddenException();
    }
}

export const CurrentUser = createParamDecorator(
    (_: unknown, context: ExecutionContext): UserDetails => context.switchToHttp().getRequest().user,
);
