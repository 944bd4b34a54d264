// Events between Cuib and NestJS: a notification service on NestJS hears of Cuib's orders, Cuib's of what a NestJS
// service emits, and a system in which every other service is one or the other.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startSmtpSink } from '../system/smtp-sink.mjs';
import {
    anOrder, finished, freshEmail, password, request, sql, start, temporaryDirectory, until,
} from '../system/support.mjs';
import { broken, outcomes } from './nest-event-outcomes.mjs';
import { everyVersion, freePort, nestProgram, redis, redisServer, tcp } from './support.mjs';

const range = (count) => Array.from({ length: count }, (_, index) => index);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const onRedis = (port) => ({ REDIS_HOST: '127.0.0.1', REDIS_PORT: port });
const hears = 'order.created,payment.processed';

/** What a notification service on NestJS has heard of an order, in the order of hearing. */
function heard({ output }, orderId) {
    const lines = output.stdout.split('\n').slice(0, -1).filter((line) => line.startsWith('{'));
    const events = lines.map((line) => JSON.parse(line)).filter(({ data }) => data.orderId === orderId);
    return events.sort((one, other) => one.no - other.no);
}

/** Waits until it has heard so often, and a moment for more that must not come. */
async function hearing(service, { id }, count) {
    await until(`${count} events`, () => heard(service, id).length >= count);
    await pause(100);
    const events = heard(service, id);
    assert.equal(events.length, count, JSON.stringify(events));
    return events;
}

/** That they are those of an order of ours that was paid. */
function assertPaid(events, user, order, payment) {
    const { id: orderId, userId, items, total, createdAt } = order;
    const [created, processed] = events.map(({ data }) => data);
    assert.deepEqual(events.map(({ pattern }) => pattern), hears.split(','));
    assert.deepEqual(events.map(({ email }) => email), [user.email, user.email]);
    assert.equal(userId, user.id);
    for (const [name, value] of Object.entries({ orderId, userId, items, total, createdAt }))
        assert.deepEqual(created[name], value, name);
    assert.deepEqual([processed.orderId, processed.userId, processed.paymentId, processed.amount, processed.status],
        [orderId, userId, payment.id, total, payment.status]);
    assert.ok(Date.parse(processed.processedAt) >= Date.parse(createdAt), processed.processedAt);
}

async function paid(cuib, user, order) {
    const { status, json } = await cuib.pay(user, order);
    assert.equal(status, 201);
    return json;
}

/** The store of an order service: what its consumer has not acknowledged yet. */
function mailbox(CUIB_DATA_DIR, consumer) {
    const store = `${CUIB_DATA_DIR}/order.sqlite`;
    const one = (statement) => sql(store, statement)[0]?.[0];
    const dead = async (...args) => {
        const { code, stdout, stderr } = await finished(['dead', ...args], { CUIB_DATA_DIR });
        assert.equal(code, 0, stderr);
        return stdout.replace(/^.*\[Migrations\].*\n/gm, '');
    };
    return {
        store, dead,
        letters: async () => (await dead('list')).split('\n').slice(0, -2),
        /** Until all events are acknowledged, and none waits or is a dead letter. */
        empty: () => until(`no event to wait for ${consumer}`, () => one(`SELECT position = (SELECT max(position)
            FROM events) AND NOT EXISTS (SELECT 1 FROM events_parked) FROM events_checkpoints
            WHERE subscriber = '${consumer}'`) === '1'),
    };
}

// --- a notification service on NestJS, over Redis -------------------------------------------------------

const server = await redisServer();
const system = await start({ ...onRedis(server.port), EVENT_CONSUMERS: 'user' }, ['gateway', 'user', 'order']);
after(async () => {
    await system.stop();
    await server.stop();
});

everyVersion('Cuib\'s orders, a notification service on Redis', { concurrency: true }, (nest) => {
    let overRedis, overTcp;
    before(async () => {
        const USER_SERVICE_PORT = String(await system.portOf('UserService'));
        [overRedis, overTcp] = await Promise.all(['redis', USER_SERVICE_PORT].map((port) =>
            nestProgram('nest-notification-service.mjs', nest.version,
                { REDIS_PORT: String(server.port), USER_SERVICE_PORT: port })));
    });
    after(() => Promise.all([overRedis.kill(), overTcp.kill()]));

    test('an order and its payment are heard of once, the user is found over Redis', async () => {
        const user = await system.member({ name: 'Ștefan 😀' });
        const order = await system.order(user);
        const payment = await paid(system, user, order);
        assertPaid(await hearing(overRedis, order, 2), user, order, payment);
    });

    test('the user is found over TCP', async () => {
        const user = await system.member();
        const order = await system.order(user);
        const payment = await paid(system, user, order);
        assertPaid(await hearing(overTcp, order, 2), user, order, payment);
    });

    test('a payment that fails', async () => {
        const user = await system.member();
        const order = await system.order(user);
        assert.equal((await system.pay(user, order, 'tok_declined')).json.status, 'FAILED');
        const [, { data }] = await hearing(overRedis, order, 2);
        assert.equal(data.status, 'FAILED');
    });

    test('50 orders at once are heard of once each', async () => {
        const user = await system.member();
        const orders = await Promise.all(range(50).map(() => system.order(user)));
        await Promise.all(orders.map((order) => paid(system, user, order)));
        for (const order of orders) await until('both events', () => heard(overRedis, order.id).length >= 2);
        await pause(200);
        for (const order of orders)
            assert.deepEqual(heard(overRedis, order.id).map(({ pattern }) => pattern), hears.split(','));
    });
});

// --- a notification service on NestJS, over TCP ---------------------------------------------------------

everyVersion('Cuib\'s orders, a notification service on TCP', { concurrency: true }, (nest) => {
    const CUIB_DATA_DIR = temporaryDirectory();
    const box = mailbox(CUIB_DATA_DIR, 'notification');
    let cuib, service, settings;
    const run = () => nestProgram('nest-notification-service.mjs', nest.version, settings);
    before(async () => {
        const PORT = await freePort();
        cuib = await start({ CUIB_DATA_DIR, NOTIFICATION_SERVICE_HOST: '127.0.0.1', NOTIFICATION_SERVICE_PORT: PORT },
            ['gateway', 'user', 'order']);
        settings = { PORT, USER_SERVICE_PORT: String(await cuib.portOf('UserService')) };
        service = await run();
    });
    after(async () => {
        await cuib.stop();
        await service.kill();
    });

    test('an order and its payment are heard of once, and acknowledged', async () => {
        const user = await cuib.member({ name: 'Ștefan 😀' });
        const order = await cuib.order(user);
        const payment = await paid(cuib, user, order);
        assertPaid(await hearing(service, order, 2), user, order, payment);
    });

    for (const [name, { attempts, dead }] of Object.entries(outcomes(nest)).filter(([name]) => name !== broken)) {
        const end = dead ? 'a dead letter' : 'acknowledged';
        const times = attempts === 1 ? '' : ` after ${attempts} attempts`;
        test(`the handler answers ${name}: ${end}${times}`, async () => {
            const order = await cuib.order(await cuib.member({ name }));
            await hearing(service, order, attempts);
            const mine = async () => (await box.letters()).filter((line) => line.includes(order.id));
            if (!dead) {
                await until('no event to wait', () => !sql(box.store,
                    `SELECT 1 FROM events_parked WHERE stream_id = '${order.id}'`).length);
                return;
            }
            const [letter] = await until('a dead letter', async () => {
                const found = await mine();
                return found.length && found;
            });
            assert.ok(letter.startsWith(`order:notification:${order.id}`), letter);
            assert.ok(letter.endsWith(`  order.created  ${attempts} attempts  ${dead}`), letter);
        });
    }
});

everyVersion('Cuib\'s orders, a notification service on TCP, restarts', { concurrency: true }, (nest) => {
    /** A system of the test's own, which can be stopped in parts. */
    async function ownSystem(more) {
        const CUIB_DATA_DIR = temporaryDirectory();
        const settings = {
            CUIB_DATA_DIR, NOTIFICATION_SERVICE_PORT: String(await freePort()),
            USER_SERVICE_PORT: String(await freePort()),
        };
        const own = {
            box: mailbox(CUIB_DATA_DIR, 'notification'),
            async upCuib() { own.cuib = await start(settings, ['gateway', 'user', 'order']); },
            async upService(given) {
                own.service = await nestProgram('nest-notification-service.mjs', nest.version,
                    { PORT: settings.NOTIFICATION_SERVICE_PORT, ...settings, ...given });
            },
            heard: ({ id }) => heard(own.service, id).map(({ pattern }) => pattern),
            async heardAll(order) {
                const events = await hearing(own.service, order, 2);
                assert.deepEqual(events.map(({ pattern }) => pattern), hears.split(','));
            },
            async stop() {
                await own.cuib.stop();
                await own.service.kill();
            },
        };
        await Promise.all([own.upCuib(), own.upService(more)]);
        return own;
    }

    test('a service that is away hears of everything when it is back, once and in order', async () => {
        const own = await ownSystem();
        const user = await own.cuib.member();
        await own.service.kill();
        const orders = await Promise.all(range(5).map(() => own.cuib.order(user)));
        await Promise.all(orders.map((order) => paid(own.cuib, user, order)));
        await own.upService();
        await own.box.empty();
        await Promise.all(orders.map(own.heardAll));
        await own.stop();
    });

    test('an event that has no handler is a dead letter at once, and holds up no other order', async () => {
        const own = await ownSystem({ HEARS: 'order.created' });
        const user = await own.cuib.member();
        const order = await own.cuib.order(user);
        await paid(own.cuib, user, order);
        const [letter] = await until('a dead letter', async () => {
            const found = await own.box.letters();
            return found.length && found;
        });
        assert.ok(letter.endsWith('  payment.processed  3 attempts'
            + '  404 There is no matching message handler defined in the remote service.'), letter);
        const another = await own.cuib.order(user);
        await hearing(own.service, another, 1);
        await own.stop();
    });

    test('what fails 20 times is a dead letter; replayed it is handled, and what waits behind it', async () => {
        const own = await ownSystem();
        const user = await own.cuib.member({ name: broken });
        const order = await own.cuib.order(user);
        await paid(own.cuib, user, order);
        await until('two attempts', () => own.heard(order).length >= 2);
        await own.cuib.stop();
        // The pauses in between would take half an hour.
        sql(own.box.store, 'UPDATE events_parked SET attempts = 19, retry_at = 1');
        await own.upCuib();
        const [letter] = await until('a dead letter', async () => {
            const found = await own.box.letters();
            return found.length && found;
        });
        assert.ok(letter.endsWith('  order.created  20 attempts  500 Internal server error'), letter);
        assert.ok(!own.heard(order).includes('payment.processed'));
        await own.service.kill();
        await own.upService({ MENDED: '1' });
        await own.box.dead('replay', '--all');
        await own.box.empty();
        await own.heardAll(order);
        await own.stop();
    });
});

// --- Cuib's notification service ------------------------------------------------------------------------

const sink = await startSmtpSink();
const smtp = { SMTP_HOST: '127.0.0.1', SMTP_PORT: sink.port, SMTP_TLS: 'none' };
const notifications = await start({ ...onRedis(server.port), ...smtp }, ['notification']);
after(async () => {
    await notifications.stop();
    await sink.close();
});
const CONFIRMED = 'Comanda ta a fost confirmată';
const PAID = 'Am primit plata pentru comanda ta';
const FAILED = 'Plata comenzii tale nu a reușit';

/** Waits until somebody has got so many mails, and a moment for more; their subjects. */
async function mailed({ email }, count) {
    await until(`${count} mails`, () => sink.mailsTo(email).length >= count);
    await pause(200);
    return sink.mailsTo(email).map(({ subject }) => subject).sort();
}

// What an order service on NestJS has to say: less than ours.
const created = ({ id: userId }) => ({
    orderId: randomUUID(), userId, items: anOrder().items, total: 99.9, createdAt: new Date(),
});
const processed = ({ orderId, userId, total: amount }, status) =>
    ({ orderId, userId, paymentId: randomUUID(), amount, status, processedAt: new Date() });

/** Rows for events that `open()` emits to a notification service of Cuib, about users that `register()` makes. */
function testMails(where, open, register) {
    test(`order.created and payment.processed are a mail each, ${where}`, async () => {
        const user = await register({ name: 'Ștefan 😀' });
        const emitter = open();
        const order = created(user);
        await emitter.emit('order.created', order);
        await emitter.emit('payment.processed', processed(order, 'SUCCESS'));
        assert.deepEqual(await mailed(user, 2), [PAID, CONFIRMED]);
        const { text } = sink.mailsTo(user.email).find(({ subject }) => subject === CONFIRMED);
        for (const part of ['Ștefan 😀', order.orderId, 'Ion', '99,90'])
            assert.ok(text.includes(part), `${part} in ${text}`);
        await emitter.close();
    });

    test(`a payment that failed is another mail, ${where}`, async () => {
        const user = await register();
        const emitter = open();
        await emitter.emit('payment.processed', processed(created(user), 'FAILED'));
        assert.deepEqual(await mailed(user, 1), [FAILED]);
        await emitter.close();
    });

    test(`what an order service leaves out, sums up or has of a database is a mail, ${where}`, async () => {
        const user = await register();
        const emitter = open();
        const { orderId, userId } = created(user);
        const items = [{ productId: 'book-1', price: '49.90', quantity: 2 }];
        await emitter.emit('order.created', { orderId, userId, items, total: 0.1 + 0.2 });
        await emitter.emit('payment.processed', { orderId, userId, amount: '1234.50', status: 'SUCCESS' });
        assert.deepEqual(await mailed(user, 2), [PAID, CONFIRMED]);
        const textOf = (wanted) => sink.mailsTo(user.email).find(({ subject }) => subject === wanted).text;
        const today = String(new Date().getUTCFullYear());
        for (const part of ['book-1', '49,90', '99,80', 'Total: 0,30', today])
            assert.ok(textOf(CONFIRMED).includes(part), `${part} in ${textOf(CONFIRMED)}`);
        for (const part of [orderId, '1.234,50', today])
            assert.ok(textOf(PAID).includes(part), `${part} in ${textOf(PAID)}`);
        assert.doesNotMatch(textOf(PAID), /Numărul plății/);
        await emitter.close();
    });

    test(`an event that is emitted twice is one mail, ${where}`, async () => {
        const user = await register();
        const emitter = open();
        const order = created(user);
        for (let i = 0; i < 2; i++) await emitter.emit('order.created', order);
        assert.deepEqual(await mailed(user, 1), [CONFIRMED]);
        await emitter.close();
    });
}

everyVersion('Events of a NestJS service, Cuib\'s notification service', { concurrency: true }, (nest) => {
    let own, users, service, ours;
    before(async () => {
        own = await redisServer();
        service = await nestProgram('nest-user-service.mjs', nest.version, { REDIS_PORT: String(own.port) });
        ours = await start({ ...onRedis(own.port), ...smtp }, ['notification']);
        users = redis(nest, own.port);
    });
    after(async () => {
        await ours.stop();
        await users.close();
        await service.kill();
        await own.stop();
    });
    const register = (fields) => users.value('user.create', { email: freshEmail(), password, name: 'Ana', ...fields });
    testMails('over Redis, of a user of Cuib\'s', () => redis(nest, server.port), (fields) => system.register(fields));
    testMails('over TCP, of a user of Cuib\'s', () => tcp(nest, notifications.port),
        (fields) => system.register(fields));
    testMails('over Redis, of a user of a NestJS service', () => redis(nest, own.port), register);
    testMails('over TCP, of a user of a NestJS service', () => tcp(nest, ours.port), register);

    test('a payment whose id is no UUID is no mail; the log says why', async () => {
        const user = await register();
        const emitter = redis(nest, own.port);
        const why = 'payment.processed: Bad Request: paymentId must be a UUID';
        await emitter.emit('payment.processed', { ...processed(created(user), 'SUCCESS'), paymentId: 'pay_123' });
        await until(why, () => ours.output.stderr.includes(why));
        assert.deepEqual(await mailed(user, 0), []);
        await emitter.close();
    });

    test('an order that names no time was created when Cuib\'s user service heard of it', async () => {
        const user = await system.member();
        const emitter = redis(nest, server.port);
        const { createdAt, ...order } = created(user);
        await emitter.emit('order.created', order);
        const [shown] = await until('the order', async () => {
            const { json } = await system.get(`/users/${user.id}`, { token: user.token });
            return json.orders.length && json.orders;
        });
        assert.equal(shown.id, order.orderId);
        assert.ok(Math.abs(Date.parse(shown.createdAt) - createdAt) < 60_000, shown.createdAt);
        await emitter.close();
    });

    test('the copies of Cuib\'s events for NestJS\'s services are no mails', async () => {
        const user = await system.member();
        await paid(system, user, await system.order(user));
        const emitter = redis(nest, server.port);
        await emitter.emit('order.created', created(user));
        assert.deepEqual(await mailed(user, 1), [CONFIRMED]);
        await emitter.close();
    });
});

// One test after the other: they start services of Cuib's on the same Redis.
everyVersion('Events of a NestJS service, a user service of few words', { concurrency: false }, (nest) => {
    let own, users, service;
    before(async () => {
        own = await redisServer();
        service = await nestProgram('nest-user-service.mjs', nest.version,
            { REDIS_PORT: String(own.port), LEAN: '1' });
        users = redis(nest, own.port);
    });
    after(async () => {
        await users.close();
        await service.kill();
        await own.stop();
    });
    const register = (fields) => users.value('user.create', { email: freshEmail(), password, name: 'Ana', ...fields });

    test('an e-mail is enough for a mail, in a language of ours', async () => {
        const ours = await start({ ...onRedis(own.port), ...smtp }, ['notification']);
        const [plain, strange, english] = await Promise.all([register(),
            register({ profile: { language: 'tlh' } }), register({ profile: { language: 'en', bio: 7 } })]);
        for (const user of [plain, strange, english]) await users.emit('order.created', created(user));
        assert.deepEqual(await mailed(plain, 1), [CONFIRMED]);
        assert.deepEqual(await mailed(strange, 1), [CONFIRMED]);
        assert.deepEqual(await mailed(english, 1), ['Your order has been confirmed']);
        assert.match(sink.mailsTo(plain.email)[0].text, /^Bună!$/m);
        await ours.stop();
    });

    test('of two replicas with a store each one sends the mail, and not again for the same event', async () => {
        const replicas = await Promise.all(range(2).map(() =>
            start({ ...onRedis(own.port), ...smtp }, ['notification'])));
        const people = await Promise.all(range(10).map(() => register()));
        const events = people.map(created);
        for (let i = 0; i < 2; i++) {
            for (const event of events) await users.emit('order.created', event);
            const mails = await Promise.all(people.map((user) => mailed(user, 1)));
            assert.deepEqual(mails, people.map(() => [CONFIRMED]));
        }
        await Promise.all(replicas.map((replica) => replica.stop()));
        const left = replicas.map(({ output }) => output.stdout.match(/, (\d+) left to other replicas/)[1]);
        assert.equal(Number(left[0]) + Number(left[1]), 20, left.join());
    });

    test('REDIS_ONE_ANSWER=false: each of them sends it', async () => {
        const replicas = await Promise.all(range(2).map(() =>
            start({ ...onRedis(own.port), ...smtp, REDIS_ONE_ANSWER: 'false' }, ['notification'])));
        const user = await register();
        await users.emit('order.created', created(user));
        assert.deepEqual(await mailed(user, 2), [CONFIRMED, CONFIRMED]);
        await Promise.all(replicas.map((replica) => replica.stop()));
    });
});

// --- all of it ------------------------------------------------------------------------------------------

everyVersion('A gateway and a user service on NestJS, Cuib\'s order and notification services',
    { concurrency: true }, (nest) => {
        const CUIB_DATA_DIR = temporaryDirectory();
        let users, orders, mails, gateway;
        const ask = async (method, target, body) => {
            const { status, text, json } = await request(gateway.port, method, target, { body });
            assert.ok(status < 300, `${method} ${target}: ${text}`);
            return json;
        };
        before(async () => {
            users = await nestProgram('nest-user-service.mjs', nest.version);
            const USER_SERVICE_PORT = String(users.port);
            mails = await start({ USER_SERVICE_PORT, ...smtp }, ['notification']);
            orders = await start(
                { CUIB_DATA_DIR, USER_SERVICE_PORT, NOTIFICATION_SERVICE_PORT: mails.port }, ['order']);
            gateway = await nestProgram('nest-gateway.mjs', nest.version,
                { USER_SERVICE_PORT, ORDER_SERVICE_PORT: String(orders.port) });
        });
        after(async () => {
            await gateway.kill();
            await orders.stop();
            await mails.stop();
            await users.kill();
        });

        test('an order and its payment: the user has it and gets two mails; nothing is left over', async () => {
            const user = await ask('POST', '/users', { email: freshEmail(), password, name: 'Ana' });
            const order = await ask('POST', '/orders', { ...anOrder(), userId: user.id });
            const payment = await ask('POST', `/orders/${order.id}/payments`,
                { userId: user.id, paymentToken: 'tok_success' });
            assert.equal(payment.status, 'SUCCESS');
            assert.equal((await ask('GET', `/orders/${order.id}`)).status, 'PAID');
            assert.deepEqual(await mailed(user, 2), [PAID, CONFIRMED]);
            for (const consumer of ['user', 'notification']) await mailbox(CUIB_DATA_DIR, consumer).empty();
            const { id, total, currency, createdAt } = order;
            assert.deepEqual((await ask('GET', `/users/${user.id}`)).orders,
                [{ id, total, currency, status: 'PAID', createdAt }]);
            assert.deepEqual(await mailbox(CUIB_DATA_DIR).letters(), []);
        });

        test('20 orders at once', async () => {
            const user = await ask('POST', '/users', { email: freshEmail(), password, name: 'Ana' });
            await Promise.all(range(20).map(() => ask('POST', '/orders', { ...anOrder(), userId: user.id })));
            assert.deepEqual(await mailed(user, 20), range(20).map(() => CONFIRMED));
            for (const consumer of ['user', 'notification']) await mailbox(CUIB_DATA_DIR, consumer).empty();
            assert.equal((await ask('GET', `/users/${user.id}`)).orders.length, 20);
        });
    });
