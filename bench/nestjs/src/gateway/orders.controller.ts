import {
    Body, Controller, ForbiddenException, Get, Headers, Param, ParseUUIDPipe, Post, Query, Res, UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import {
    Answer, CreateOrderDto, CreatePaymentDto, OrdersQuery, UserDetails,
} from '../contracts.js';
import { CurrentUser, JwtAuthGuard } from './auth.js';
import { OrderClient } from './order-client.js';

interface Reply {
    header(name: string, value: string): void;
}

/** Tells in a header that it is the first answer to the same key. */
function markReplay<T>({ replayed, ...answer }: Answer<T>, reply: Reply) {
    if (replayed) reply.header('Idempotency-Replayed', 'true');
    return answer;
}

@ApiTags('Orders')
@ApiBearerAuth()
@Controller('orders')
@UseGuards(JwtAuthGuard)
export class OrdersController {
    constructor(private readonly orders: OrderClient) {}

    @Post()
    async create(
        @Body() order: CreateOrderDto,
        @CurrentUser() user: UserDetails,
        @Res({ passthrough: true }) reply: Reply,
        @Headers('idempotency-key') idempotencyKey?: string,
    ) {
        return markReplay(
            await this.orders.create({ ...order, userId: user.id, idempotencyKey }), reply,
        );
    }

    @Get()
    findByUser(@Query() query: OrdersQuery, @CurrentUser() user: UserDetails) {
        return this.orders.findByUser({ ...query, userId: user.id });
    }

    @Get(':id')
    findOne(@Param('id', ParseUUIDPipe) id: string, @CurrentUser() user: UserDetails) {
        return this.findOwn(id, user);
    }

    @Get(':id/events')
    async history(@Param('id', ParseUUIDPipe) id: string, @CurrentUser() user: UserDetails) {
        await this.findOwn(id, user);
        return this.orders.history(id);
    }

    @Post(':id/payments')
    async pay(
        @Param('id', ParseUUIDPipe) orderId: string,
        @Body() { paymentToken }: CreatePaymentDto,
        @CurrentUser() user: UserDetails,
        @Res({ passthrough: true }) reply: Reply,
        @Headers('idempotency-key') idempotencyKey?: string,
    ) {
        const payment = { orderId, userId: user.id, paymentToken, idempotencyKey };
        return markReplay(await this.orders.processPayment(payment), reply);
    }

    private async findOwn(id: string, user: UserDetails) {
        const order = await this.orders.findById(id);
        if (order.userId !== user.id && !user.roles.includes('admin')) throw new ForbiddenException();
        return order;
    }
}
