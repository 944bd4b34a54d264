// NestJS 11 as one module.
import 'reflect-metadata';

export * as common from '@nestjs/common';
export * as core from '@nestjs/core';
export { Redis } from 'ioredis';
export * as microservices from '@nestjs/microservices';
export * as rxjs from 'rxjs';
