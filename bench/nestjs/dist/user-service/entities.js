var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
let User = class User {
    id;
    email;
    name;
    passwordHash;
    isActive;
    roles;
    profile;
    createdAt;
    updatedAt;
};
__decorate([
    PrimaryColumn('text'),
    __metadata("design:type", String)
], User.prototype, "id", void 0);
__decorate([
    Column('text'),
    __metadata("design:type", String)
], User.prototype, "email", void 0);
__decorate([
    Column('text'),
    __metadata("design:type", String)
], User.prototype, "name", void 0);
__decorate([
    Column('text', { name: 'password_hash', select: false }),
    __metadata("design:type", String)
], User.prototype, "passwordHash", void 0);
__decorate([
    Column('boolean', { name: 'is_active', default: true }),
    __metadata("design:type", Boolean)
], User.prototype, "isActive", void 0);
__decorate([
    Column('simple-json'),
    __metadata("design:type", Array)
], User.prototype, "roles", void 0);
__decorate([
    Column('simple-json', { nullable: true }),
    __metadata("design:type", Object)
], User.prototype, "profile", void 0);
__decorate([
    CreateDateColumn({ name: 'created_at' }),
    __metadata("design:type", Date)
], User.prototype, "createdAt", void 0);
__decorate([
    UpdateDateColumn({ name: 'updated_at' }),
    __metadata("design:type", Date)
], User.prototype, "updatedAt", void 0);
User = __decorate([
    Entity('users')
], User);
export { User };
let UserOrder = class UserOrder {
    id;
    userId;
    total;
    currency;
    status;
    createdAt;
};
__decorate([
    PrimaryColumn('text'),
    __metadata("design:type", String)
], UserOrder.prototype, "id", void 0);
__decorate([
    Column('text', { name: 'user_id' }),
    __metadata("design:type", String)
], UserOrder.prototype, "userId", void 0);
__decorate([
    Column('integer'),
    __metadata("design:type", Number)
], UserOrder.prototype, "total", void 0);
__decorate([
    Column('text'),
    __metadata("design:type", String)
], UserOrder.prototype, "currency", void 0);
__decorate([
    Column('text'),
    __metadata("design:type", String)
], UserOrder.prototype, "status", void 0);
__decorate([
    Column('datetime', { name: 'created_at' }),
    __metadata("design:type", Date)
], UserOrder.prototype, "createdAt", void 0);
UserOrder = __decorate([
    Entity('user_orders')
], UserOrder);
export { UserOrder };
