// A notification service on NestJS. It asks the user service whom an event is about and prints a line of JSON for the
// mail that it would send: {"no","pattern","data","email"}, the number being the event's. A user whose name is a row of
// nest-event-outcomes.mjs gets that row.
//
// usage: PORT=N [REDIS_PORT=N] USER_SERVICE_PORT=N [HEARS=order.created,…] node nest-notification-service.mjs VERSION
//     USER_SERVICE_PORT=redis is a user service on that Redis
import { decorate, nest, serve } from './nest-program.mjs';
import { outcomes } from './nest-event-outcomes.mjs';

const { microservices, rxjs } = nest;
const { HEARS = 'order.created,payment.processed', REDIS_PORT, USER_SERVICE_PORT } = process.env;
const overRedis = USER_SERVICE_PORT === 'redis';
const users = microservices.ClientProxyFactory.create({
    transport: overRedis ? microservices.Transport.REDIS : microservices.Transport.TCP,
    options: { host: '127.0.0.1', port: Number(overRedis ? REDIS_PORT : USER_SERVICE_PORT) },
});
const special = outcomes(nest);
const attempts = new Map();
let count = 0;

async function notify(pattern, data) {
    const no = ++count;
    const { email, name } = await rxjs.firstValueFrom(users.send('user.findById', data.userId));
    console.log(JSON.stringify({ no, pattern, data, email }));
    const key = `${pattern} ${data.orderId}`;
    attempts.set(key, (attempts.get(key) ?? 0) + 1);
    return special[name]?.handle(attempts.get(key));
}

class NotificationController {
    handleOrderCreated(data) {
        return notify('order.created', data);
    }

    handlePaymentProcessed(data) {
        return notify('payment.processed', data);
    }
}

const handlers = { 'order.created': 'handleOrderCreated', 'payment.processed': 'handlePaymentProcessed' };
for (const pattern of HEARS.split(','))
    decorate(NotificationController, handlers[pattern], microservices.EventPattern(pattern));
await serve(NotificationController);
