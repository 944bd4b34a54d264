// Clients who order, pay, cancel, and an admin who ships; a program that dies under them they ask again, with the same
// Idempotency-Key, until it has answered. What each order's life is to be is a function of the seed.
import { randomUUID } from 'node:crypto';
import { address, item, request } from '../system/support.mjs';
import { random } from './random.mjs';
import { pause } from './pause.mjs';

const CLIENTS = 24;
const AGAIN_MS = 60; // at least, before it is asked again

const LIVES = [
    { weight: 30, steps: [], ends: 'PENDING' },
    { weight: 25, steps: ['pay'], ends: 'PAID' },
    { weight: 10, steps: ['decline', 'pay'], ends: 'PAID' },
    { weight: 10, steps: ['cancel'], ends: 'CANCELLED' },
    { weight: 10, steps: ['pay', 'cancel'], ends: 'CANCELLED' },
    { weight: 15, steps: ['pay', 'SHIPPED', 'DELIVERED'], ends: 'DELIVERED' },
];

export class Shop {
    constructor({ port, users, adminToken, seed, orders, overMs, patienceMs = 0 }) {
        Object.assign(this, { port, users, adminToken, seed, overMs, patienceMs });
        this.orders = []; // acknowledged: {id, key, user, life, acknowledgedAt, ms}
        this.violations = [];
        this.answers = {}; // how often each status, or reason for none
        this.plan = this.make(orders);
    }

    make(count) {
        const numbers = random(this.seed, 'orders');
        return Array.from({ length: count }, (_, i) => ({
            key: `order-${i}`,
            due: count ? this.overMs * i / count : 0,
            user: this.users[numbers.between(0, this.users.length)],
            life: numbers.pick(LIVES),
            again: numbers.next() < 0.03, // sent once more after it was acknowledged
            body: {
                items: [item(numbers.between(1, 10_000) / 100, numbers.between(1, 4))],
                shippingAddress: address, paymentMethod: 'card',
            },
        }));
    }

    count(word) {
        this.answers[word] = (this.answers[word] ?? 0) + 1;
    }

    // Until there is an answer that `settles`; what is neither that nor a reason to wait is a violation, and undefined.
    async insist(what, settles, method, target, options) {
        for (;;) {
            const answer = await request(this.port, method, target, options).catch((error) => error);
            this.count(answer.status ?? answer.code ?? answer.message);
            const settled = answer.status && await settles(answer);
            if (settled) return answer;
            if (Date.now() > this.until) {
                this.violations.push(`${what}: without a result until the end`);
                return undefined;
            }
            const waits = !answer.status || [502, 503, 504].includes(answer.status) || settled === undefined;
            if (!waits) {
                this.violations.push(`${what}: ${answer.status} ${answer.text}`);
                return undefined;
            }
            await pause(AGAIN_MS * (1 + Math.random()));
        }
    }

    async read(id, { token }) {
        const answer = await this.insist(`GET of order ${id}`, ({ status }) => status === 200,
            'GET', `/orders/${id}`, { token });
        return answer?.json;
    }

    async place({ key, user, body }) {
        const headers = { 'Idempotency-Key': key };
        const answer = await this.insist(`order ${key}`, ({ status }) => status === 201,
            'POST', '/orders', { token: user.token, body, headers });
        return answer?.json.id;
    }

    // A 409 says that it is under way, or was done before: by an attempt whose answer was lost.
    async step(order, name) {
        const { id, user } = order;
        const what = `${name} of order ${id}`;
        if (name === 'pay' || name === 'decline') {
            const paymentToken = name === 'pay' ? 'tok_success' : 'tok_declined';
            const headers = { 'Idempotency-Key': `${order.key}-${name}` };
            await this.insist(what, ({ status }) => status === 201 || (status === 409 ? undefined : false),
                'POST', `/orders/${id}/payments`, { token: user.token, body: { paymentToken }, headers });
            return;
        }
        const status = name === 'cancel' ? 'CANCELLED' : name;
        const settles = async (answer) => {
            if (answer.status !== 409) return answer.status < 300;
            return (await this.read(id, user))?.status === status || undefined;
        };
        if (name === 'cancel')
            await this.insist(what, settles, 'POST', `/orders/${id}/cancel`, { token: user.token });
        else await this.insist(what, settles,
            'PUT', `/orders/${id}/status`, { token: this.adminToken, body: { status } });
    }

    async live(planned) {
        const began = Date.now();
        const id = await this.place(planned);
        if (!id) return;
        const order = { ...planned, id, acknowledgedAt: Date.now(), ms: Date.now() - began };
        this.orders.push(order);
        if (planned.again && await this.place(planned) !== id)
            this.violations.push(`order ${planned.key}: sent again it was another one than ${id}`);
        for (const name of planned.life.steps) await this.step(order, name);
    }

    /** Resolves when every order has been acknowledged and lived its life, or, `patienceMs` after the last was due,
     * has not. */
    async run() {
        const begin = Date.now();
        this.until = begin + this.overMs + this.patienceMs;
        let next = 0;
        const client = async () => {
            while (next < this.plan.length) {
                const planned = this.plan[next++];
                await pause(Math.max(0, begin + planned.due - Date.now()));
                await this.live(planned);
            }
        };
        await Promise.all(Array.from({ length: CLIENTS }, client));
    }
}

/** Registers the shop's clients, through the gateway, and logs them and the admin in. */
export async function openShop(port, { users = 40, ...options }, admin) {
    const post = async (target, body, expected) => {
        const answer = await request(port, 'POST', target, { body });
        if (answer.status !== expected) throw new Error(`POST ${target}: ${answer.status} ${answer.text}`);
        return answer.json;
    };
    const login = async ({ email, password }) =>
        (await post('/auth/login', { email, password }, 200)).access_token;
    const member = async () => {
        const fields = { email: `${randomUUID()}@example.com`, password: 'correct horse battery', name: 'Ana Pop' };
        const { id } = await post('/users', fields, 201);
        return { id, email: fields.email, token: await login(fields) };
    };
    const all = await Promise.all(Array.from({ length: users }, member));
    return new Shop({ port, users: all, adminToken: await login(admin), ...options });
}
