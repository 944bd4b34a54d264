// A user service on NestJS, its users in memory: what Cuib's gateway talks to in place of its own. It fails as a
// polite service does, RpcExceptions with a status; a user whose name is a row of nest-answers.mjs gets that row. It
// hears of orders, which users are then shown with.
//
// usage: PORT=N [REDIS_PORT=N] [USER_EMAIL=…] [LEAN=1] node nest-user-service.mjs VERSION
//     USER_EMAIL is the e-mail of a user, an administrator, who is there from the start
//     LEAN: findById answers with little more than an e-mail, and that in shapes of its own
import { randomUUID } from 'node:crypto';
import { decorate, nest, serve } from './nest-program.mjs';
import { answers } from './nest-answers.mjs';

const { common, microservices } = nest;
const { USER_EMAIL, LEAN } = process.env;
const users = new Map();
const orders = new Map();
const now = () => new Date();
const refusal = (exception) => new microservices.RpcException(exception.getResponse());
const shown = ({ password, ...user }) => user;

function made({ email, password, name, profile }, fields) {
    const times = { createdAt: now(), updatedAt: now() };
    return { id: randomUUID(), email, password, name, isActive: true, roles: ['user'], profile, ...times, ...fields };
}

const lean = ({ email, profile }) =>
    ({ email, profile, roles: [{ id: 1, name: 'user' }], isActive: 1, orders: null, createdAt: 1.7e12 });

const special = answers(nest, () => shown(made({ email: 'some@example.com', name: 'Some One' })));

function find(test) {
    const user = [...users.values()].find(test);
    if (!user) throw refusal(new common.NotFoundException('User not found'));
    return user;
}

class UserController {
    create(fields) {
        const answer = special[fields.name];
        if (answer) return answer[0]();
        if ([...users.values()].some(({ email }) => email === fields.email))
            throw refusal(new common.ConflictException('User with this email already exists'));
        const user = made(fields);
        users.set(user.id, user);
        return shown(user);
    }

    findById(id) {
        const user = shown(find((one) => one.id === id));
        if (LEAN) return lean(user);
        const own = [...orders.values()].filter(({ userId }) => userId === id);
        return { ...user, orders: own.map(({ userId, ...order }) => order) };
    }

    async findByEmail(email) {
        return shown(find((user) => user.email === email));
    }

    findAll({ limit }) {
        return { items: [...users.values()].slice(0, limit).map(shown), nextCursor: null };
    }

    validateCredentials({ email, password }) {
        const user = [...users.values()].find((one) => one.email === email && one.password === password);
        if (!user) throw refusal(new common.UnauthorizedException('Invalid credentials'));
        return shown(user);
    }

    update({ id, updateUserDto }) {
        return shown(Object.assign(find((user) => user.id === id), updateUserDto, { updatedAt: now() }));
    }

    delete(id) {
        users.delete(find((user) => user.id === id).id);
    }

    hearOfOrder({ orderId: id, userId, total, currency = 'RON', createdAt }) {
        orders.set(id, { id, userId, total, currency, status: 'PENDING', createdAt });
    }

    hearOfStatus({ orderId, newStatus }) {
        orders.get(orderId).status = newStatus;
    }
}

const events = { hearOfOrder: 'order.created', hearOfStatus: 'order.statusChanged' };
for (const method of Object.getOwnPropertyNames(UserController.prototype).slice(1))
    decorate(UserController, method, events[method] ? microservices.EventPattern(events[method])
        : microservices.MessagePattern(`user.${method}`));
if (USER_EMAIL) {
    const first = { email: USER_EMAIL, password: 'correct horse battery', name: 'First' };
    const id = '11111111-1111-4111-8111-111111111111';
    users.set(id, made(first, { id, roles: ['user', 'admin'] }));
}
await serve(UserController);
