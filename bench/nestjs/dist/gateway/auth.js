var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
import { createParamDecorator, ForbiddenException, Injectable, SetMetadata, UnauthorizedException, } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { settings } from '../settings.js';
import { UserClient } from './user-client.js';
let JwtStrategy = class JwtStrategy extends PassportStrategy(Strategy) {
    users;
    constructor(users) {
        super({
            jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
            secretOrKey: settings.jwtSecret,
            algorithms: ['HS256'],
        });
        this.users = users;
    }
    async validate({ sub }) {
        const user = await this.users.findById(sub).catch((failed) => {
            throw failed.getStatus?.() === 404 ? new UnauthorizedException() : failed;
        });
        if (!user.isActive)
            throw new UnauthorizedException();
        return user;
    }
};
JwtStrategy = __decorate([
    Injectable(),
    __metadata("design:paramtypes", [UserClient])
], JwtStrategy);
export { JwtStrategy };
export class JwtAuthGuard extends AuthGuard('jwt') {
}
export const Roles = (...roles) => SetMetadata('roles', roles);
/** Whoever has one of the roles; 'self' is the user whose id is in the path. */
let RolesGuard = class RolesGuard {
    reflector;
    constructor(reflector) {
        this.reflector = reflector;
    }
    canActivate(context) {
        const roles = this.reflector.getAllAndOverride('roles', [
            context.getHandler(), context.getClass(),
        ]);
        const { user, params } = context.switchToHttp().getRequest();
        if (!roles || (roles.includes('self') && params.id === user.id))
            return true;
        if (roles.some((role) => user.roles.includes(role)))
            return true;
        throw new ForbiddenException();
    }
};
RolesGuard = __decorate([
    Injectable(),
    __metadata("design:paramtypes", [Reflector])
], RolesGuard);
export { RolesGuard };
export const CurrentUser = createParamDecorator((_, context) => context.switchToHttp().getRequest().user);
