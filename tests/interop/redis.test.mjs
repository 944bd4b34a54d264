// Cuib's services and gateway on Redis, with NestJS's clients and services on the same one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freshEmail, password, secret, someone, start, until } from '../system/support.mjs';
import { echoServer, everyVersion, freePort, nestProgram, redis, redisServer } from './support.mjs';

const nobody = { statusCode: 404, message: 'Nobody is here', error: 'Not Found' };
const notFound = { statusCode: 404, message: 'User not found', error: 'Not Found' };
const stranger = '00000000-0000-4000-8000-000000000000';
const person = (fields) => ({ email: freshEmail(), password, name: 'Ana Pop', ...fields });
const range = (count) => Array.from({ length: count }, (_, index) => index);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const at = (port) => ({ REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) });
const again = { retryAttempts: 100, retryDelay: 100 };

const server = await redisServer();
const cuib = await start(at(server.port), ['user']);
const echo = await echoServer(at(server.port));
after(async () => {
    await Promise.all([cuib.stop(), echo.stop()]);
    await server.stop();
});

everyVersion('Redis, user service', { concurrency: true }, (nest) => {
    let users;
    before(() => { users = redis(nest, server.port); });
    after(() => users.close());

    test('user.create, findById, findByEmail, validateCredentials, update and delete', async () => {
        const { email } = person();
        const name = 'Ștefan 😀';
        const user = await users.value('user.create', person({ email, name }));
        assert.equal(user.name, name);
        assert.deepEqual(await users.value('user.findById', user.id), { ...user, orders: [] });
        assert.deepEqual(await users.value('user.findByEmail', email), user);
        assert.deepEqual(await users.value('user.validateCredentials', { email, password }), user);
        const changed = await users.value('user.update', { id: user.id, updateUserDto: { name: 'Ana M' } });
        assert.equal(changed.name, 'Ana M');
        assert.deepEqual(await users.send('user.delete', user.id), []);
    });

    test('404, 409 and 400 are error objects', async () => {
        const { email } = await users.value('user.create', person());
        assert.deepEqual(await users.refusal('user.findById', stranger), notFound);
        assert.deepEqual(await users.refusal('user.create', person({ email })),
            { statusCode: 409, message: 'User with this email already exists', error: 'Conflict' });
        assert.deepEqual(await users.refusal('user.create', person({ email: 'x' })),
            { statusCode: 400, message: ['email must be an email'], error: 'Bad Request' });
    });

    test('a pattern that nobody has is never answered', async () => {
        assert.equal((await users.refusal('user.nope', 1, 300)).name, 'TimeoutError');
    });
});

everyVersion('Redis, calls', { concurrency: true }, (nest) => {
    let service, raw, heard;
    before(async () => {
        service = redis(nest, server.port);
        raw = new nest.Redis(server.port, '127.0.0.1');
        heard = new nest.Redis(server.port, '127.0.0.1');
    });
    after(() => Promise.all([service.close(), raw.quit(), heard.quit()]));
    const valueOf = async (pattern, data) => (await service.value(pattern, data)).value;
    const countOf = async (key) => (await service.value('seen', { key })).count;

    test('1,000 calls at once', async () => {
        const answers = await Promise.all(range(1000).map((i) => valueOf('echo', i)));
        assert.deepEqual(answers, range(1000));
    });

    test('calls that overlap are answered as they are ready', async () => {
        const order = [];
        await Promise.all([['slow', 300], ['fast', 50]].map(async ([value, ms]) =>
            order.push(await valueOf('delayed', { ms, value }))));
        assert.deepEqual(order, ['fast', 'slow']);
    });

    test('500 KB there and back', async () => {
        const large = 'ă😀x'.repeat(70_000);
        assert.ok(await valueOf('echo', large) === large, 'other text came back');
    });

    test('object and number patterns', async () => {
        assert.equal(await valueOf({ cmd: 'echo' }, 0), 'command');
        assert.equal(await valueOf({ b: 1, a: { d: 'x', c: [1, 2] } }, 0), 'nested');
        assert.equal(await valueOf(7, 0), '7');
    });

    test('no value, streams, and a stream that fails', async () => {
        assert.deepEqual(await service.send('nothing', 0), []);
        assert.deepEqual(await service.send('stream', 0), [{ value: 1 }, { value: 2 }, { value: 3 }]);
        assert.deepEqual(await service.send('stream.empty', 0), []);
        assert.deepEqual(await service.refusal('stream.refused', 0), nobody);
    });

    test('an event reaches its handlers, once each', async () => {
        const key = `redis event ${nest.version}`;
        await service.emit('noted', { key });
        await service.emit({ e: 'noted' }, { key });
        await service.emit('noted.twice', { key });
        await until('four notes', async () => await countOf(key) === 4);
    });

    test('what other programs publish on an event\'s channel', async () => {
        const key = `foreign ${nest.version}`;
        await raw.publish('noted', JSON.stringify({ key }));
        await raw.publish('noted', JSON.stringify({ data: { key } }));
        await raw.publish('noted', JSON.stringify({ key, id: 'an event all the same' }));
        for (const useless of ['hello', '5', '0', 'null', '""', '[1,2]', '{}', '{"pattern":"zzz"}', '{'])
            await raw.publish('noted', useless);
        await until('three notes', async () => await countOf(key) === 3);
    });

    test('the channel says who answers, not the packet; the bytes of a reply', async () => {
        const id = `raw ${nest.version}`;
        const messages = [];
        heard.on('message', (channel, text) => { if (text.includes(id)) messages.push(text); });
        await heard.subscribe('echo.reply');
        await raw.publish('echo', JSON.stringify({ pattern: 'zzz', data: 'ă', id }));
        await until('a reply', () => messages.length);
        await pause(100);
        assert.deepEqual(messages, [`{"response":{"value":"ă"},"isDisposed":true,"id":"${id}"}`]);
    });

    test('replies to others and to nobody do no harm', async () => {
        for (const text of ['{"id":"x","response":1,"isDisposed":true}', '{"id":7,"err":1}'])
            await raw.publish('delayed.reply', text);
        assert.equal(await valueOf('delayed', { ms: 50, value: 'mine' }), 'mine');
    });
});

everyVersion('Redis, replicas and restarts', { concurrency: true }, (nest) => {
    // Two echo services on a Redis of their own, and how many reply to one request.
    async function repliesOfTwo(settings) {
        const own = await redisServer();
        const both = await Promise.all([0, 1].map(() => echoServer({ ...at(own.port), ...settings })));
        const service = redis(nest, own.port);
        const raw = new nest.Redis(own.port, '127.0.0.1');
        let replies = 0;
        raw.on('message', () => replies++);
        await raw.subscribe('echo.reply');
        assert.deepEqual(await service.value('echo', 1), { value: 1 });
        await pause(200);
        await service.emit('noted', { key: 'all' });
        await pause(200);
        const counts = await Promise.all(range(8).map(() => service.value('seen', { key: 'all' })));
        await Promise.all([service.close(), raw.quit()]);
        await Promise.all(both.map((one) => one.stop()));
        await own.stop();
        assert.deepEqual(counts, range(8).map(() => ({ count: 1 })));
        return replies;
    }

    test('of two replicas one answers; an event reaches both', async () => {
        assert.equal(await repliesOfTwo({}), 1);
    });

    test('REDIS_ONE_ANSWER=false: both answer, as NestJS\'s do', async () => {
        assert.equal(await repliesOfTwo({ REDIS_ONE_ANSWER: 'false' }), 2);
    });

    test('beside a replica on NestJS: the first reply counts', async () => {
        const own = await redisServer();
        const ours = await echoServer(at(own.port));
        const theirs = await nestProgram('echo-service.mjs', nest.version, { REDIS_PORT: String(own.port) });
        const service = redis(nest, own.port);
        const answers = await Promise.all(range(50).map((i) => service.value('echo', i)));
        assert.deepEqual(answers, range(50).map((value) => ({ value })));
        await service.close();
        await theirs.kill();
        await ours.stop();
        await own.stop();
    });

    test('Redis restarts: both sides come back by themselves', async () => {
        const own = await redisServer();
        const ours = await echoServer(at(own.port));
        const service = redis(nest, own.port, again);
        assert.deepEqual(await service.value('echo', 1), { value: 1 });
        await own.kill();
        const next = await redisServer(own.port);
        await until('an answer', () => service.send('echo', 2, 300).then(() => true, () => false), 8000);
        assert.deepEqual(await service.value('echo', 3), { value: 3 });
        await service.close();
        await ours.stop();
        await next.stop();
    });

    test('the service restarts: the next call is answered', async () => {
        const own = await redisServer();
        const first = await echoServer(at(own.port));
        const service = redis(nest, own.port);
        assert.deepEqual(await service.value('echo', 1), { value: 1 });
        await first.stop();
        const second = await echoServer(at(own.port));
        await until('an answer', () => service.send('echo', 2, 300).then(() => true, () => false), 3000);
        await service.close();
        await second.stop();
        await own.stop();
    });
});

everyVersion('Redis, Cuib\'s gateway, a user service', { concurrency: true }, (nest) => {
    const email = freshEmail();
    let own, gateway, service, admin;
    before(async () => {
        own = await redisServer();
        gateway = await start({ ...at(own.port), JWT_SECRET: secret }, ['gateway']);
        const alone = await gateway.login(email);
        assert.equal(alone.status, 503, `nobody listens: ${alone.text}`);
        service = await nestProgram('nest-user-service.mjs', nest.version,
            { REDIS_PORT: String(own.port), USER_EMAIL: email });
        await until('a login', async () => (await gateway.login(email)).status === 200, 3000);
        admin = await gateway.token(email);
    });
    after(async () => {
        await gateway.stop();
        await service.kill();
        await own.stop();
    });

    test('register, log in, read, change, delete', async () => {
        const user = await gateway.member({ name: 'Ștefan 😀' });
        const { token } = user;
        assert.equal((await gateway.get('/auth/me', { token })).json.name, 'Ștefan 😀');
        const changed = await gateway.put(`/users/${user.id}`, { token, body: { name: 'Ana' } });
        assert.equal(changed.json.name, 'Ana', changed.text);
        assert.equal((await gateway.delete(`/users/${user.id}`, { token })).status, 204);
    });

    test('errors', async () => {
        const missing = await gateway.get(`/users/${stranger}`, { token: admin });
        assert.equal(missing.text, '{"statusCode":404,"message":"User not found"}');
        const thrown = await gateway.post('/users', { body: { ...someone(), name: 'NotFoundException' } });
        assert.equal(thrown.text, '{"statusCode":500,"message":"Internal server error"}');
        const silent = await gateway.post('/users', { body: { ...someone(), name: 'no answer at all' } });
        assert.equal(silent.status, 504, silent.text);
    });

    // NestJS 10 forgets what a handler emits while the value before is still being published (it adds to a copy of the
    // list that it is going through), so on a busy machine its caller may wait in vain.
    test('a stream of users: the last', async () => {
        const ask = () => gateway.post('/users', { body: { ...someone(), name: 'a slow stream of users' } });
        let made = await ask();
        for (let tries = 1; nest.version === 10 && made.status === 504 && tries < 5; tries++) made = await ask();
        assert.equal(made.json.name, 'no 2', made.text);
    });

    test('rubbish on the reply channel does no harm', async () => {
        const raw = new nest.Redis(own.port, '127.0.0.1');
        const asking = range(20).map(() => gateway.get('/auth/me', { token: admin }));
        for (const text of ['hello', '{', '[]', 'null', '5', '{"err":1}', '{"id":"x","response":1,"isDisposed":true}'])
            await raw.publish('user.findById.reply', text);
        for (const { status, text } of await Promise.all(asking)) assert.equal(status, 200, text);
        assert.equal((await gateway.get('/auth/me', { token: admin })).status, 200);
        await raw.quit();
    });

    test('100 requests at once', async () => {
        const all = range(100).map(() => gateway.get('/auth/me', { token: admin }));
        for (const { status, text } of await Promise.all(all)) assert.equal(status, 200, text);
    });
});
