// A gateway on NestJS as one writes it first: each route sends a message and answers what comes back.
//
// usage: PORT=N USER_SERVICE_PORT=N [ORDER_SERVICE_PORT=N] node nest-gateway.mjs VERSION
import { decorate, moduleOf, nest } from './nest-program.mjs';

const { common, core, microservices } = nest;
const { PORT, USER_SERVICE_PORT, ORDER_SERVICE_PORT } = process.env;
const clientOf = (port) => microservices.ClientProxyFactory.create({
    transport: microservices.Transport.TCP,
    options: { host: '127.0.0.1', port: Number(port) },
});
const users = clientOf(USER_SERVICE_PORT);
const orders = clientOf(ORDER_SERVICE_PORT ?? USER_SERVICE_PORT);

class Gateway {
    create(body) {
        return users.send('user.create', body);
    }

    findOne(id) {
        return users.send('user.findById', id);
    }

    findUnknown() {
        return users.send('user.nope', {});
    }

    order(body) {
        return orders.send('order.create', body);
    }

    findOrder(id) {
        return orders.send('order.findById', id);
    }

    pay(orderId, body) {
        return orders.send('order.processPayment', { ...body, orderId });
    }
}

const { Body, Get, Param, Post } = common;
const routes = [
    ['create', Post('users'), Body()],
    ['findOne', Get('users/:id'), Param('id')],
    ['findUnknown', Get('nope')],
    ['order', Post('orders'), Body()],
    ['findOrder', Get('orders/:id'), Param('id')],
    ['pay', Post('orders/:id/payments'), Param('id'), Body()],
];
for (const [method, route, ...parameters] of routes) {
    decorate(Gateway, method, route);
    parameters.forEach((parameter, index) => parameter(Gateway.prototype, method, index));
}

const app = await core.NestFactory.create(moduleOf(Gateway), { logger: false });
await app.listen(Number(PORT), '127.0.0.1');
console.log(`listening on ${PORT}`);
