// Events between processes: over the TCP wire and over Redis Streams, whoever is away meanwhile. Each service is a
// process of its own here; `orders` of a user is what the user service has heard of the order service's events.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, freePort } from './redis.mjs';
import { address, finished, item, sql, start, temporaryDirectory, until } from './support.mjs';

const without = { EVENT_CONSUMERS: 'user' }; // no notification service runs here

/** The three services. Each can be stopped, killed and started again on its port and its data. */
async function system(settings = {}) {
    const ports = {
        USER_SERVICE_PORT: await freePort(), ORDER_SERVICE_PORT: await freePort(),
        ...without, ...settings,
    };
    const data = { user: temporaryDirectory(), order: temporaryDirectory() };
    const all = {
        up: async (name, options) => {
            all[name] = await start({ ...ports, CUIB_DATA_DIR: data[name] }, [name], options);
        },
        data,
        async stop() {
            await all.gateway.stop();
            await all.order.stop();
            await all.user.stop();
        },
    };
    await Promise.all([all.up('user'), all.up('order')]);
    await all.up('gateway');
    return all;
}

/** Until the user service has heard of every order, each with its status: {id: status}. */
async function heard(gateway, user, expected) {
    await until(`${Object.keys(expected).length} orders of the user`, async () => {
        const { json } = await gateway.get(`/users/${user.id}`, { token: user.token });
        const orders = Object.fromEntries(json.orders.map(({ id, status }) => [id, status]));
        return Object.entries(expected).every(([id, status]) => orders[id] === status);
    });
}

/** An order that does not pass the gateway, which asks the user service who one is. */
async function direct(all, userId) {
    const fields = { userId, items: [item()], shippingAddress: address, paymentMethod: 'card' };
    const { code, stdout, stderr } = await finished(
        ['call', `tcp://127.0.0.1:${all.order.port}`, 'order.create', JSON.stringify(fields)]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
}

async function readiness(service) {
    const { json, status } = await service.get('/health/ready');
    return { status, says: json.status, events: json.details.events };
}

const carriers = [
    { carrier: 'over TCP', settings: async () => ({}) },
    {
        carrier: 'over Redis Streams',
        settings: async () => {
            const redis = await startRedis({ password: 'a word' });
            return { REDIS_HOST: redis.host, REDIS_PORT: redis.port, REDIS_PASSWORD: 'a word', redis };
        },
    },
];

for (const { carrier, settings } of carriers) {
    describe(carrier, () => {
        let all, user, redis;
        before(async () => {
            const { redis: started, ...given } = await settings();
            redis = started;
            all = await system(given);
            user = await all.gateway.member();
        });
        after(async () => {
            await all.stop();
            await redis?.kill();
        });

        test('an order and its payment reach the user service at once', async () => {
            const began = Date.now();
            const order = await all.gateway.order(user);
            await heard(all.gateway, user, { [order.id]: 'PENDING' });
            assert.ok(Date.now() - began < 1000, 'nobody polls');
            await all.gateway.pay(user, order);
            await heard(all.gateway, user, { [order.id]: 'PAID' });
        });

        test('orders go on while the consumer is dead, and it hears of all of them afterwards', async () => {
            await all.user.kill();
            const orders = await Promise.all([1, 2, 3].map(() => direct(all, user.id)));
            const expected = Object.fromEntries(orders.map(({ id }) => [id, 'PENDING']));
            await all.up('user');
            await heard(all.gateway, user, expected);
            const { events, status } = await readiness(all.order);
            assert.deepEqual({ status, events }, { status: 200, events: { status: 'up' } });
        });

        test('a producer that dies sends on what it has not seen acknowledged', async () => {
            const expected = {};
            for (let round = 0; round < 3; round++) {
                const orders = await Promise.all(Array.from({ length: 5 }, () => all.gateway.order(user)));
                for (const { id } of orders) expected[id] = 'PENDING';
                await all.order.kill();
                await all.up('order');
            }
            await heard(all.gateway, user, expected);
        });

        test('what is delivered a second time has no second effect', async () => {
            const store = `${all.data.order}/order.sqlite`;
            const newest = 'SELECT max(position) FROM events';
            const order = await all.gateway.order(user);
            await all.gateway.pay(user, order);
            await heard(all.gateway, user, { [order.id]: 'PAID' });
            await all.order.stop();
            sql(store, 'DELETE FROM events_checkpoints');
            await all.up('order');
            await until('all events to be acknowledged again', () => sql(store,
                `SELECT 1 FROM events_checkpoints WHERE subscriber = 'user' AND position = (${newest})`)[0]);
            await heard(all.gateway, user, { [order.id]: 'PAID' });
            const { json } = await all.gateway.get(`/users/${user.id}`, { token: user.token });
            assert.equal(new Set(json.orders.map(({ id }) => id)).size, json.orders.length);
        });

        test('an event that cannot be read is a dead letter and delays nobody', async () => {
            const store = `${all.data.order}/order.sqlite`;
            const stream = '11111111-1111-4111-8111-111111111111';
            sql(store, `INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)
                VALUES ('22222222-2222-4222-8222-222222222222', '${stream}', 1, 'order.created',
                    '{"orderId":"poison"}', '{"shape":1}', 1)`);
            const order = await all.gateway.order(user);
            await heard(all.gateway, user, { [order.id]: 'PENDING' });
            const [[failure]] = await until('a dead letter', () => {
                const rows = sql(store, 'SELECT failure FROM events_parked WHERE retry_at = 0');
                return rows.length && rows;
            });
            assert.match(failure, /^400 orderId must be a UUID/);
            const { status, says, events } = await readiness(all.order);
            assert.deepEqual({ status, says, events }, {
                status: 200, says: 'degraded',
                events: { message: 'user: dead letters: 1', status: 'degraded' },
            });
        });
    });
}

describe('with Redis', () => {
    let redis, all, user;
    before(async () => {
        redis = await startRedis();
        all = await system({ REDIS_HOST: redis.host, REDIS_PORT: redis.port });
        user = await all.gateway.member();
    });
    after(async () => {
        await all.stop();
        await redis.kill();
    });

    test('whoever listens on NestJS\'s channels hears of each event as NestJS emits it', async () => {
        const listener = await redis.client();
        await listener.command('SUBSCRIBE', 'order.created');
        const order = await all.gateway.order(user);
        const { payload } = await until('a message', () => listener.messages[0]);
        const { pattern, data, metadata } = JSON.parse(payload);
        assert.equal(pattern, 'order.created');
        assert.equal(data.orderId, order.id);
        assert.equal(metadata.event.streamId, order.id);
        assert.equal(metadata.event.version, 1);
        assert.ok(payload.startsWith('{"pattern":"order.created","data":{"orderId":"'), payload);
        listener.close();
    });

    test('no order is refused while Redis is down, and all are heard of when it is back', async () => {
        await redis.kill();
        const orders = await Promise.all([1, 2, 3, 4].map(() => direct(all, user.id)));
        await redis.start();
        await heard(all.gateway, user, Object.fromEntries(orders.map(({ id }) => [id, 'PENDING'])));
    });

    test('a Redis that is emptied loses nothing', async () => {
        const client = await redis.client();
        const expected = {};
        for (let round = 0; round < 5; round++) {
            const orders = await Promise.all(Array.from({ length: 4 }, () => all.gateway.order(user)));
            for (const { id } of orders) expected[id] = 'PENDING';
            await client.command('FLUSHALL');
        }
        await heard(all.gateway, user, expected);
        client.close();
    });

    test('nothing is left in Redis of what was acknowledged', async () => {
        const client = await redis.client();
        const order = await all.gateway.order(user);
        await heard(all.gateway, user, { [order.id]: 'PENDING' });
        await until('an empty stream', async () => await client.command('XLEN', 'cuib:events:user') === 0);
        const [entries] = await client.command('XPENDING', 'cuib:events:user', 'user');
        assert.equal(entries, 0);
        client.close();
    });
});

describe('what the user service keeps of orders', () => {
    const CUIB_DATA_DIR = temporaryDirectory();
    const store = `${CUIB_DATA_DIR}/user.sqlite`;
    const rows = () => sql(store, 'SELECT * FROM user_orders ORDER BY id');
    const rebuild = () => finished(['rebuild', 'user_orders'], { CUIB_DATA_DIR });
    let cuib;
    before(async () => { cuib = await start({ CUIB_DATA_DIR }); });
    after(() => cuib.stop());

    test('is written anew by cuib rebuild, also while orders go on', async () => {
        const user = await cuib.member();
        const orders = [];
        for (let i = 0; i < 10; i++) orders.push(await cuib.order(user));
        for (const order of orders.slice(0, 5)) await cuib.pay(user, order);
        await heard(cuib, user, Object.fromEntries(orders.map(({ id }, i) =>
            [id, i < 5 ? 'PAID' : 'PENDING'])));
        const kept = rows();
        assert.equal(kept.length, 10);
        sql(store, 'DELETE FROM user_orders');
        assert.deepEqual(rows(), []);
        const [{ code, stdout, stderr }, ...more] = await Promise.all(
            [rebuild(), ...orders.slice(5).map((order) => cuib.pay(user, order))]);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^rebuilt user_orders: \d+ events in /);
        assert.deepEqual(more.map(({ status }) => status), [201, 201, 201, 201, 201]);
        await heard(cuib, user, Object.fromEntries(orders.map(({ id }) => [id, 'PAID'])));
        const paid = rows();
        sql(store, 'UPDATE user_orders SET status = \'LOST\', total = 0');
        assert.equal((await rebuild()).code, 0);
        assert.deepEqual(rows(), paid);
    });

    test('goes away with the user', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        await heard(cuib, user, { [order.id]: 'PENDING' });
        const before = rows().length;
        assert.equal((await cuib.delete(`/users/${user.id}`, { token: user.token })).status, 204);
        assert.equal(rows().length, before - 1);
        const boss = { token: await cuib.admin() };
        assert.equal((await cuib.post(`/orders/${order.id}/cancel`, boss)).status, 200);
        assert.equal((await rebuild()).code, 0);
        assert.equal(rows().length, before - 1);
        await until('no event to wait', () =>
            !sql(`${CUIB_DATA_DIR}/order.sqlite`, 'SELECT * FROM events_parked').length);
    });
});

test('a consumer of events that nobody knows is a mistake in the settings', async () => {
    for (const services of [['order'], ['user', 'order'], []]) {
        const { code, stderr } = await finished(['up', ...services], { EVENT_CONSUMERS: 'user, billing' });
        assert.equal(code, 78);
        assert.equal(stderr, 'cuib: EVENT_CONSUMERS: no service is called billing\n');
    }
});
