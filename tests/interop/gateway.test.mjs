// A user service written for NestJS behind Cuib's gateway, and Cuib's user service behind a gateway of NestJS.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freshEmail, password, request, secret, someone, start, until } from '../system/support.mjs';
import { everyVersion, freePort, nestProgram } from './support.mjs';
import { answers } from './nest-answers.mjs';

const stranger = '00000000-0000-4000-8000-000000000000';
const OUTAGE = [502, 503, 504];
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const gatewayTo = (port) => start({
    USER_SERVICE_HOST: '127.0.0.1', USER_SERVICE_PORT: port, JWT_SECRET: secret, JWT_EXPIRES_IN: '1h',
}, ['gateway']);

everyVersion('Cuib\'s gateway, a user service', { concurrency: true }, (nest) => {
    const email = freshEmail();
    let service, gateway, admin;
    before(async () => {
        service = await nestProgram('nest-user-service.mjs', nest.version, { USER_EMAIL: email });
        gateway = await gatewayTo(service.port);
        admin = await gateway.token(email);
    });
    after(async () => {
        await gateway.stop();
        await service.kill();
    });

    test('register, log in, read, change, delete', async () => {
        const user = await gateway.member({ name: 'Ștefan 😀', profile: { language: 'ro' } });
        const { token } = user;
        assert.equal(user.name, 'Ștefan 😀');
        assert.deepEqual(user.profile, { language: 'ro' });
        assert.equal((await gateway.get('/auth/me', { token })).json.id, user.id);
        assert.deepEqual((await gateway.get(`/users/${user.id}`, { token })).json.orders, []);
        const changed = await gateway.put(`/users/${user.id}`, { token, body: { name: 'Ana' } });
        assert.equal(changed.json.name, 'Ana', changed.text);
        const byEmail = await gateway.get(`/users?email=${user.email}`, { token: admin });
        assert.equal(byEmail.json.id, user.id, byEmail.text);
        const page = await gateway.get('/users?limit=1', { token: admin });
        assert.equal(page.json.items.length, 1, page.text);
        assert.equal((await gateway.delete(`/users/${user.id}`, { token })).status, 204);
        assert.equal((await gateway.get('/auth/me', { token })).status, 401);
    });

    test('404, 409 and 401 of RpcExceptions', async () => {
        const missing = await gateway.get(`/users/${stranger}`, { token: admin });
        assert.equal(missing.text, '{"statusCode":404,"message":"User not found"}');
        assert.equal(missing.status, 404);
        const taken = await gateway.post('/users', { body: { ...someone(), email } });
        assert.equal(taken.text, '{"statusCode":409,"message":"User with this email already exists"}');
        assert.equal(taken.status, 409);
        assert.equal((await gateway.login(email, 'wrong wrong')).status, 401);
    });

    for (const [name, [, status, body]] of Object.entries(answers(nest, () => ({})))) {
        test(`user.create answers ${name}: ${status}`, async () => {
            const begin = Date.now();
            const answer = await gateway.post('/users', { body: { ...someone(), name } });
            assert.equal(answer.status, status, answer.text);
            if (body instanceof RegExp) assert.match(answer.text, body);
            else assert.equal(answer.text, body);
            const ms = Date.now() - begin;
            if (status === 504) assert.ok(ms > 1500 && ms < 5000, `${ms} ms`);
        });
    }
});

everyVersion('Cuib\'s gateway, restarts', { concurrency: true }, (nest) => {
    const run = (PORT, USER_EMAIL) => nestProgram('nest-user-service.mjs', nest.version, { PORT, USER_EMAIL });

    test('a service that is not there: 503; one that comes later: the next request succeeds', async () => {
        const port = await freePort();
        const email = freshEmail();
        const gateway = await gatewayTo(port);
        const refused = await gateway.login(email);
        assert.equal(refused.status, 503, refused.text);
        const service = await run(port, email);
        await until('a login', async () => (await gateway.login(email)).status === 200, 3000);
        await service.kill();
        await gateway.stop();
    });

    test('a service that is killed and comes back under load: requests succeed again by themselves', async () => {
        const email = freshEmail();
        let service = await run(undefined, email);
        const { port } = service;
        const gateway = await gatewayTo(port);
        const token = await gateway.token(email);
        const seen = { before: [], outage: [], after: [] };
        let phase = 'before', over = false;
        const load = Array.from({ length: 16 }, async () => {
            while (!over) {
                const when = phase;
                const { status } = await gateway.get('/auth/me', { token });
                if (when === phase) seen[when].push(status);
            }
        });
        await until('some answers', () => seen.before.length >= 50);
        phase = 'outage';
        await service.kill();
        await pause(300);
        service = await run(port, email);
        await until('success', async () =>
            (await gateway.get('/auth/me', { token })).status === 200, 5000);
        phase = 'after';
        await until('more answers', () => seen.after.length >= 200);
        over = true;
        await Promise.all(load);
        assert.deepEqual(seen.before.filter((status) => status !== 200), []);
        assert.deepEqual(seen.after.filter((status) => status !== 200), []);
        assert.deepEqual(seen.outage.filter((status) => ![200, ...OUTAGE].includes(status)), []);
        await gateway.stop();
        await service.kill();
    });
});

everyVersion('A gateway of NestJS, Cuib\'s user service', { concurrency: 1 }, (nest) => {
    let users, gateway;
    const ask = (method, target, body) => request(gateway.port, method, target, { body });
    before(async () => {
        users = await start({}, ['user']);
        gateway = await nestProgram('nest-gateway.mjs', nest.version, { USER_SERVICE_PORT: users.port });
    });
    after(async () => {
        await gateway.kill();
        await users.stop();
    });

    test('create and find', async () => {
        const made = await ask('POST', '/users', { ...someone(), name: 'Ștefan 😀' });
        assert.equal(made.status, 201, made.text);
        const found = await ask('GET', `/users/${made.json.id}`);
        assert.equal(found.status, 200);
        assert.deepEqual(found.json, { ...made.json, orders: [] });
    });

    test('404 and 409 keep their status and message', async () => {
        const body = { ...someone(), password };
        await ask('POST', '/users', body);
        const taken = await ask('POST', '/users', body);
        assert.equal(taken.text, '{"statusCode":409,"message":"User with this email already exists"}');
        assert.equal(taken.status, 409);
        const missing = await ask('GET', `/users/${stranger}`);
        assert.equal(missing.text, '{"statusCode":404,"message":"User not found"}');
        assert.equal(missing.status, 404);
    });

    // 12 wants a text for a message. Whoever needs the list has a ValidationPipe in the gateway.
    const list = nest.version < 12;
    test(`a list of messages ${list ? 'is a 400' : 'is a 500'}`, async () => {
        const refused = await ask('POST', '/users', { ...someone(), email: 'x' });
        assert.equal(refused.text, list ? '{"statusCode":400,"message":["email must be an email"]}'
            : '{"statusCode":500,"message":"Internal server error"}');
    });

    test('an unknown pattern is a 500', async () => {
        assert.equal((await ask('GET', '/nope')).text,
            '{"statusCode":500,"message":"Internal server error"}');
    });

    test('after a restart of the service requests succeed', async () => {
        const USER_SERVICE_PORT = users.port;
        await users.stop();
        const down = await ask('GET', `/users/${stranger}`);
        assert.equal(down.text, '{"statusCode":500,"message":"Internal server error"}');
        users = await start({ USER_SERVICE_PORT }, ['user']);
        assert.equal((await ask('GET', `/users/${stranger}`)).status, 404);
    });
});
