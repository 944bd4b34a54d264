import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
    ArrayMaxSize, ArrayMinSize, IsArray, IsDefined, IsEmail, IsIn, IsInt, IsISO31661Alpha2, IsNotEmpty,
    IsNumber, IsOptional, IsPositive, IsString, Length, Max, MaxLength, Min, MinLength, ValidateNested,
} from 'class-validator';

export class Profile {
    @ApiPropertyOptional() @IsOptional() @IsString() @Length(1, 100) firstName?: string;
    @ApiPropertyOptional() @IsOptional() @IsString() @Length(1, 100) lastName?: string;
    @ApiPropertyOptional() @IsOptional() @IsString() @Length(1, 100) phone?: string;
    @ApiPropertyOptional() @IsOptional() @IsIn(['ro', 'en']) language?: string;
}

export class CreateUserDto {
    @ApiProperty() @IsEmail() @MaxLength(254) email: string;
    @ApiProperty() @IsString() @MinLength(8) @MaxLength(72) password: string;
    @ApiProperty() @IsString() @IsNotEmpty() @MaxLength(100) name: string;

    @ApiPropertyOptional() @IsOptional() @ValidateNested() @Type(() => Profile)
    profile?: Profile;
}

export class Credentials {
    @ApiProperty() @IsString() @IsNotEmpty() email: string;
    @ApiProperty() @IsString() @IsNotEmpty() password: string;
}

/** A user as it crosses the wire. */
export interface PublicUser {
    id: string;
    email: string;
    name: string;
    isActive: boolean;
    roles: string[];
    profile: Profile | null;
    createdAt: string;
    updatedAt: string;
}

export interface OrderSummary {
    id: string;
    total: number;
    currency: string;
    status: string;
    createdAt: string;
}

export interface UserDetails extends PublicUser {
    orders: OrderSummary[];
}

export const PAYMENT_METHODS = ['card', 'bank_transfer', 'cash_on_delivery'];
export const ORDER_STATUSES = ['PENDING', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED'];

export class OrderItem {
    @ApiProperty() @IsString() @Length(1, 200) productId: string;
    @ApiProperty() @IsString() @Length(1, 200) name: string;
    @ApiProperty() @IsNumber({ maxDecimalPlaces: 2 }) @IsPositive() @Max(1_000_000) price: number;
    @ApiProperty() @IsInt() @Min(1) @Max(10_000) quantity: number;
}

export class Address {
    @ApiProperty() @IsString() @Length(1, 200) street: string;
    @ApiProperty() @IsString() @Length(1, 200) city: string;
    @ApiProperty() @IsString() @Length(1, 200) postalCode: string;
    @ApiProperty() @IsISO31661Alpha2() country: string;
}

export class CreateOrderDto {
    @ApiProperty({ type: [OrderItem] })
    @IsArray() @ArrayMinSize(1) @ArrayMaxSize(100) @ValidateNested({ each: true }) @Type(() => OrderItem)
    items: OrderItem[];

    @ApiProperty() @IsDefined() @ValidateNested() @Type(() => Address) shippingAddress: Address;
    @ApiProperty({ enum: PAYMENT_METHODS }) @IsIn(PAYMENT_METHODS) paymentMethod: string;
}

export class CreatePaymentDto {
    @ApiProperty() @IsString() @Length(1, 200) paymentToken: string;
}

export class OrdersQuery {
    @ApiPropertyOptional() @IsInt() @Min(1) @Max(100) @Type(() => Number) limit: number = 20;
    @ApiPropertyOptional() @IsOptional() @IsString() @IsNotEmpty() cursor?: string;
    @ApiPropertyOptional() @IsOptional() @IsIn(ORDER_STATUSES) status?: string;
}

export interface NewOrder extends CreateOrderDto {
    userId: string;
    idempotencyKey?: string;
}

export interface UserOrdersQuery extends OrdersQuery {
    userId: string;
}

export interface ProcessPayment extends CreatePaymentDto {
    orderId: string;
    userId: string;
    idempotencyKey?: string;
}

/** An order as it crosses the wire. */
export interface PublicOrder extends CreateOrderDto {
    id: string;
    userId: string;
    total: number;
    currency: string;
    status: string;
    version: number;
    createdAt: string;
    updatedAt: string;
}

export interface OrderPage {
    items: PublicOrder[];
    nextCursor: string | null;
}

export interface Payment {
    id: string;
    orderId: string;
    amount: number;
    currency: string;
    status: string;
    createdAt: string;
}

/** What a command answers; `replayed` when it is the first answer to the same Idempotency-Key. */
export type Answer<T> = T & { replayed?: boolean };

export interface HistoryEntry {
    id: string;
    type: string;
    version: number;
    data: object;
    recordedAt: string;
    actor?: string;
    cause?: string;
}

export interface OrderCreated extends CreateOrderDto {
    orderId: string;
    userId: string;
    total: number;
    currency: string;
    createdAt: string;
}

export interface OrderStatusChanged {
    orderId: string;
    userId: string;
    previousStatus: string;
    newStatus: string;
    changedAt: string;
}
