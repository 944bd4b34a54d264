// The gateway and the user service over Redis, and what NestJS's clients see there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
    admin, freshEmail, request, run, someone, start, temporaryDirectory, until,
} from './support.mjs';
import { startRedis } from './redis.mjs';

const settingsOf = (redis, more = {}) => ({
    REDIS_HOST: redis.host, REDIS_PORT: redis.port, REDIS_PASSWORD: redis.password, ...more,
});

const ready = (cuib) => cuib.get('/health/ready').then((answer) => answer.status, () => 0);

/** A gateway and `replicas` user services on one store, all over Redis. */
async function startAll(redis, { replicas = 1, ...more } = {}) {
    const settings = settingsOf(redis, { CUIB_DATA_DIR: temporaryDirectory(), ...more });
    const users = [];
    for (let i = 0; i < replicas; i++) users.push(await start(settings, ['user']));
    const gateway = await start({ ...settings, USER_SERVICE_PORT: 1 }, ['gateway']);
    const stop = async () => {
        await gateway.stop();
        for (const user of users) await user.stop();
    };
    return { gateway, users, stop };
}

/** Sends a request by hand, as a client of NestJS would, and gives all replies until `ms` have passed. */
async function ask(redis, channel, packet, ms = 300) {
    const ears = await redis.client();
    const mouth = await redis.client();
    await ears.command('SUBSCRIBE', `${channel}.reply`);
    await mouth.publish(channel, packet);
    await new Promise((resolve) => { setTimeout(resolve, ms); });
    ears.close();
    mouth.close();
    return ears.messages.map(({ payload }) => JSON.parse(payload));
}

describe('over Redis', () => {
    let redis;
    let all;

    test('the gateway reaches the user service', async () => {
        redis = await startRedis();
        all = await startAll(redis);
        for (const cuib of [all.gateway, ...all.users]) {
            const { info } = (await cuib.get('/health/ready')).json;
            assert.deepEqual(Object.keys(info.redis), ['responseTime', 'status']);
            assert.equal(info.redis.status, 'up');
        }
    });

    test('a user lives a whole life', async () => {
        const { gateway } = all;
        const profile = { firstName: 'Ană', lastName: '😀 "Pop"\n' };
        const user = await gateway.register({ profile });
        const token = await gateway.token(user.email);
        const seen = await gateway.get(`/users/${user.id}`, { token });
        assert.deepEqual(seen.json.profile, profile);
        const changed = await gateway.put(`/users/${user.id}`, { token, body: { name: 'Ana' } });
        assert.equal(changed.json.name, 'Ana', changed.text);
        const page = await gateway.get('/users?limit=1', { token: await gateway.admin() });
        assert.equal(page.json.items.length, 1, page.text);
        assert.equal((await gateway.delete(`/users/${user.id}`, { token })).status, 204);
        assert.equal((await gateway.login(user.email)).status, 401);
    });

    test('errors keep their status and messages', async () => {
        const { gateway } = all;
        const token = await gateway.admin();
        const taken = await gateway.post('/users', { body: { ...someone(), email: admin.email } });
        assert.equal(taken.text, '{"message":"User with this email already exists",'
            + '"error":"Conflict","statusCode":409}');
        const missing = await gateway.get('/users/00000000-0000-4000-8000-000000000000', { token });
        assert.equal(missing.text,
            '{"message":"User not found","error":"Not Found","statusCode":404}');
    });

    test('many calls at once get each its own answer', async () => {
        const token = await all.gateway.admin();
        const users = await Promise.all(Array.from({ length: 50 }, () => all.gateway.register()));
        const seen = await Promise.all(users.map(({ id }) =>
            all.gateway.get(`/users/${id}`, { token })));
        assert.deepEqual(seen.map((answer) => answer.json.email), users.map(({ email }) => email));
    });

    test('reply channels are left when no call needs them', async () => {
        const client = await redis.client();
        await all.gateway.login(admin.email, admin.password);
        assert.deepEqual(await client.command('PUBSUB', 'CHANNELS', '*.validateCredentials.reply'),
            ['user.validateCredentials.reply']);
        await until('the reply channels to be left',
            async () => (await client.command('PUBSUB', 'CHANNELS', '*.reply')).length === 0);
        client.close();
    });

    test('replies are those that NestJS writes, on the reply channel', async () => {
        const replies = await ask(redis, 'user.findByEmail',
            { pattern: 'anything', data: admin.email, id: 'r1' });
        assert.equal(replies.length, 1);
        assert.deepEqual(Object.keys(replies[0]), ['response', 'isDisposed', 'id']);
        assert.equal(replies[0].response.email, admin.email);
        assert.equal(replies[0].id, 'r1');
        const [missing] = await ask(redis, 'user.findByEmail',
            { pattern: 'user.findByEmail', data: freshEmail(), id: { a: [1] } });
        assert.deepEqual(missing, {
            err: { statusCode: 404, message: 'User not found', error: 'Not Found' },
            isDisposed: true, id: { a: [1] },
        });
    });

    test('the same id may be used again', async () => {
        const packet = { pattern: 'user.findByEmail', data: admin.email, id: 'again' };
        for (let i = 0; i < 3; i++)
            assert.equal((await ask(redis, 'user.findByEmail', packet, 200)).length, 1);
    });

    test('what is no request gets no reply and does no harm', async () => {
        const payloads = ['hello', '5', 'null', '""', '[1,2]', '{}', '{"id":"x","orderId":3}', '{"pattern',
            '\xff\xfe', '['.repeat(10000), '{"pattern":"user.findAll","data":{}}'];
        for (const payload of payloads)
            assert.deepEqual(await ask(redis, 'user.findAll', payload, 20), [], payload.slice(0, 40));
        assert.equal(await ready(all.users[0]), 200);
        assert.equal((await ask(redis, 'user.findAll', { data: {}, id: 1 })).length, 1);
    });

    test('foreign replies on the channel are dropped', async () => {
        const client = await redis.client();
        const noise = setInterval(() => {
            for (const reply of ['{"response":{"id":"no"},"isDisposed":true,"id":"other"}', 'x', '{}',
                '{"isDisposed":true}']) client.publish('user.findByEmail.reply', reply);
        }, 1);
        for (let i = 0; i < 20; i++) await all.gateway.member();
        clearInterval(noise);
        client.close();
    });

    test('a service that stops leaves its channels; then a request is a 503 at once', async () => {
        const { gateway, users: [user] } = all;
        const client = await redis.client();
        await user.stop();
        assert.match(user.output.stdout, /over Redis: \d+ messages handled, 0 left to other replicas/);
        assert.deepEqual(await client.command('PUBSUB', 'CHANNELS', 'user.*[^y]'), []);
        await new Promise((resolve) => { setTimeout(resolve, 1500); }); // it might have returned
        const begin = Date.now();
        const answer = await gateway.post('/users', { body: someone() });
        assert.equal(answer.text, '{"message":"The user service is not available",'
            + '"error":"Service Unavailable","statusCode":503}');
        assert.ok(Date.now() - begin < 500, `${Date.now() - begin} ms`);
        client.close();
        await gateway.stop();
        await redis.kill();
    });
});

test('USER_SERVICE_HOST, where it is set, means TCP', async () => {
    const redis = await startRedis();
    const user = await start({ CUIB_DATA_DIR: temporaryDirectory() }, ['user']);
    const gateway = await start(settingsOf(redis,
        { USER_SERVICE_HOST: '127.0.0.1', USER_SERVICE_PORT: user.port }), ['gateway']);
    await gateway.member();
    await gateway.stop();
    await user.stop();
    await redis.kill();
});

test('a password is sent; a wrong one keeps the services from being ready', async () => {
    const redis = await startRedis({ password: 'a "secret" of ours' });
    const { gateway, users, stop } = await startAll(redis);
    await gateway.member();
    const wrong = run(['up', 'user'], settingsOf({ ...redis, password: 'another' }));
    await until('the refusal in the log', () => /WRONGPASS/.test(wrong.output.stderr));
    wrong.child.kill('SIGTERM');
    assert.equal((await wrong.ended()).code, 0);
    const none = run(['up', 'user'], settingsOf({ ...redis, password: undefined }));
    await until('the refusal in the log', () => /NOAUTH/.test(none.output.stderr));
    none.child.kill('SIGTERM');
    await none.ended();
    assert.equal(await ready(users[0]), 200);
    await stop();
    await redis.kill();
});

const counts = (cuib) => cuib.output.stdout
    .match(/over Redis: (\d+) messages handled, (\d+) left to other replicas/).slice(1).map(Number);

test('of three replicas one answers each request', async () => {
    const redis = await startRedis();
    const { gateway, users, stop } = await startAll(redis, { replicas: 3 });
    const ears = await redis.client();
    await ears.command('SUBSCRIBE', 'user.create.reply');
    const made = await Promise.all(Array.from({ length: 60 }, () => gateway.register()));
    assert.equal(new Set(made.map(({ id }) => id)).size, 60);
    await until('all replies', () => ears.messages.length >= 60);
    const { items, total } = (await gateway.get('/users?limit=100',
        { token: await gateway.admin() })).json;
    assert.equal(items?.length ?? total, 61); // with the admin
    await stop();
    assert.equal(ears.messages.length, 60);
    const replies = ears.messages.map(({ payload }) => JSON.parse(payload));
    assert.ok(replies.every(({ response }) => response), 'a replica has tried to create a second time');
    assert.equal(new Set(replies.map(({ id }) => id)).size, 60);
    const sums = users.map(counts);
    const sum = (i) => sums.reduce((all, each) => all + each[i], 0);
    assert.ok(sum(0) >= 60);
    assert.equal(sum(1), 2 * sum(0), JSON.stringify(sums));
    ears.close();
    await redis.kill();
});

test('with REDIS_ONE_ANSWER=false all replicas answer, as with NestJS', async () => {
    const redis = await startRedis();
    const { stop } = await startAll(redis, { replicas: 2, REDIS_ONE_ANSWER: false });
    const packet = { pattern: 'user.findByEmail', data: admin.email, id: 'both' };
    assert.equal((await ask(redis, 'user.findByEmail', packet)).length, 2);
    await stop();
    await redis.kill();
});

test('Redis may come last, go, and come back', async () => {
    const redis = await startRedis();
    await redis.kill();
    const settings = settingsOf(redis, { CUIB_DATA_DIR: temporaryDirectory() });
    const user = run(['up', 'user'], settings);
    const gateway = run(['up', 'gateway'], settings);
    const portOf = async ({ output }) => Number(await until('the port',
        () => output.stdout.match(/listening on http:\/\/127\.0\.0\.1:(\d+)/)?.[1]));
    const ports = { user: await portOf(user), gateway: await portOf(gateway) };
    const send = (method, target, options) => request(ports.gateway, method, target, options);
    const health = (name) => request(ports[name], 'GET', '/health/ready');
    const allReady = () => until('both to be ready', async () =>
        (await health('user')).status === 200 && (await health('gateway')).status === 200, 8000);
    const down = async () => {
        for (const name of ['user', 'gateway']) {
            const answer = await until(`${name} to notice`, async () => {
                const seen = await health(name);
                return seen.status === 503 && seen;
            }, 2000);
            assert.equal(answer.json.error.redis.status, 'down');
        }
        const begin = Date.now();
        const answer = await send('POST', '/users', { body: someone() });
        assert.ok([502, 503, 504].includes(answer.status), answer.text);
        assert.ok(Date.now() - begin < 3000);
        assert.equal((await request(ports.gateway, 'GET', '/health/live')).status, 200);
    };

    await down();
    for (let round = 0; round < 3; round++) {
        await redis.start();
        await allReady();
        const body = someone();
        const made = await send('POST', '/users', { body });

        assert.equal(made.status, 201, made.text);
        const { email, password } = body;
        const login = await send('POST', '/auth/login', { body: { email, password } });
        assert.equal(login.status, 200, login.text);
        const under = Array.from({ length: 10 }, () => send('POST', '/users', { body: someone() }));
        await redis.kill(round % 2 ? 'SIGTERM' : 'SIGKILL');
        for (const answer of await Promise.all(under))
            assert.ok([201, 502, 503, 504].includes(answer.status), answer.text);
        await down();
    }
    for (const cuib of [user, gateway]) {
        cuib.child.kill('SIGTERM');
        assert.equal((await cuib.ended()).code, 0);
    }
});

test('a Redis that hangs is noticed, and given up for a new connection', async () => {
    const redis = await startRedis();
    const { gateway, users, stop } = await startAll(redis);
    await gateway.member();
    redis.child.kill('SIGSTOP');
    await until('readiness to say so', async () => await ready(users[0]) === 503, 10_000);
    const answer = await gateway.post('/users', { body: someone() });
    assert.ok([502, 503, 504].includes(answer.status), answer.text);
    redis.child.kill('SIGCONT');
    await until('both to be ready', async () =>
        await ready(users[0]) === 200 && await ready(gateway) === 200, 10_000);
    await gateway.member();
    await stop();
    await redis.kill();
});
