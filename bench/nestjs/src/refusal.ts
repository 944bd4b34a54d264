import { RpcException } from '@nestjs/microservices';

export const refusal = (statusCode: number, message: string, error?: string) =>
    new RpcException({ message, error, statusCode });
