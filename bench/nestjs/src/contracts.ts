import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
    IsEmail, IsIn, IsNotEmpty, IsOptional, IsString, Length, MaxLength, MinLength, ValidateNested,
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
