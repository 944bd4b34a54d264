// NestJS's TCP client as the caller of Cuib's services.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { freshEmail, password, start, temporaryDirectory, until, uuid } from '../system/support.mjs';
import { echoServer, everyVersion, tcp } from './support.mjs';

const UNKNOWN = 'There is no matching message handler defined in the remote service.';
const nobody = { statusCode: 404, message: 'Nobody is here', error: 'Not Found' };
const notFound = { statusCode: 404, message: 'User not found', error: 'Not Found' };
const stranger = '00000000-0000-4000-8000-000000000000';
const person = (fields) => ({ email: freshEmail(), password, name: 'Ana Pop', ...fields });
const range = (count) => Array.from({ length: count }, (_, index) => index);

const cuib = await start({}, ['user']);
const echo = await echoServer();
after(() => Promise.all([cuib.stop(), echo.stop()]));

everyVersion('User service', { concurrency: true }, (nest) => {
    let users;
    before(() => { users = tcp(nest, cuib.port); });
    after(() => users.close());

    test('user.create, findById, findByEmail, validateCredentials, update and delete', async () => {
        const { email } = person();
        const user = await users.value('user.create', person({ email, profile: { phone: '+40 721' } }));
        assert.match(user.id, uuid);
        assert.deepEqual(Object.keys(user), [
            'id', 'email', 'name', 'isActive', 'roles', 'profile', 'createdAt', 'updatedAt',
        ]);
        assert.deepEqual(await users.value('user.findById', user.id), { ...user, orders: [] });
        assert.deepEqual(await users.value('user.findById', { id: user.id }), { ...user, orders: [] });
        assert.deepEqual(await users.value('user.findByEmail', email), user);
        assert.deepEqual(await users.value('user.validateCredentials', { email, password }), user);
        const changed = await users.value('user.update', { id: user.id, updateUserDto: { name: 'Ana M' } });
        assert.deepEqual({ ...changed, updatedAt: 0 }, { ...user, name: 'Ana M', updatedAt: 0 });
        assert.deepEqual(await users.send('user.delete', user.id), []);
        assert.deepEqual(await users.refusal('user.findById', user.id), notFound);
    });

    test('user.findAll in pages', async () => {
        await users.value('user.create', person());
        await users.value('user.create', person());
        const first = await users.value('user.findAll', { limit: 1 });
        const second = await users.value('user.findAll', { limit: 1, cursor: first.nextCursor });
        assert.equal(first.items.length, 1);
        assert.notEqual(second.items[0].id, first.items[0].id);
    });

    test('404, 409 and 401 are error objects', async () => {
        const { email } = await users.value('user.create', person());
        const wrong = { email, password: 'wrong wrong' };
        assert.deepEqual(await users.refusal('user.findById', stranger), notFound);
        assert.deepEqual(await users.refusal('user.findByEmail', freshEmail()), notFound);
        assert.deepEqual(await users.refusal('user.create', person({ email })),
            { statusCode: 409, message: 'User with this email already exists', error: 'Conflict' });
        assert.deepEqual(await users.refusal('user.validateCredentials', wrong),
            { statusCode: 401, message: 'Invalid credentials', error: 'Unauthorized' });
    });

    test('400 lists what is wrong', async () => {
        assert.deepEqual(await users.refusal('user.create', { email: 'x', name: '', password, more: 1 }), {
            statusCode: 400,
            message: [
                'property more should not exist', 'email must be an email', 'name should not be empty',
            ],
            error: 'Bad Request',
        });
        const refused = await users.refusal('user.findById', 'no UUID');
        assert.deepEqual({ ...refused, message: [] },
            { statusCode: 400, message: [], error: 'Bad Request' });
    });

    test('a pattern that nobody has, as a text, an object, a number', async () => {
        for (const pattern of ['nope', 'user.nope', { cmd: 'user.create' }, 7, 'true', ''])
            assert.equal(await users.refusal(pattern, 1), UNKNOWN, JSON.stringify(pattern));
    });

    test('texts beyond ASCII', async () => {
        const names = ['Ștefan Țuțu, născut în Iași: ăîâșț ĂÎÂȘȚ', '😀 👩‍👩‍👧 𝒳', '\u2028"\\\u007f'];
        for (const name of names) {
            const { id } = await users.value('user.create', person({ name }));
            assert.equal((await users.value('user.findById', id)).name, name);
        }
    });

    test('a name of 1 MB is refused as a long one', async () => {
        const refused = await users.refusal('user.create', person({ name: 'ă😀'.repeat(160_000) }));
        assert.deepEqual(refused, {
            statusCode: 400,
            message: ['name must be shorter than or equal to 100 characters'],
            error: 'Bad Request',
        });
    });

    test('an event that nobody has leaves the connection usable', async () => {
        await users.emit('user.nope', { some: 'thing' });
        await users.emit({ no: 'body' }, 1);
        await users.emit('user.findById', 'no UUID');
        assert.deepEqual(await users.refusal('user.findById', stranger), notFound);
    });
});

everyVersion('Calls', { concurrency: true }, (nest) => {
    let service;
    before(() => { service = tcp(nest, echo.port); });
    after(() => service.close());
    const valueOf = async (pattern, data) => (await service.value(pattern, data)).value;

    test('1 MB there and back, beside small calls', async () => {
        const large = 'ă😀x'.repeat(180_000);
        const [back, ...small] = await Promise.all([
            valueOf('echo', large), ...range(50).map((i) => valueOf('echo', i)),
        ]);
        assert.ok(back === large, 'other text came back');
        assert.deepEqual(small, range(50));
    });

    test('a request beyond 1 MB closes the connection; the next call is answered', async () => {
        const other = tcp(nest, echo.port);
        const refused = await other.refusal('echo', 'x'.repeat(1100 * 1024));
        assert.match(refused.message ?? refused, /Connection closed|ECONNRESET|EPIPE/);
        await until('an answer', () => other.value('echo', 1).then(() => true, () => false));
        await other.close();
    });

    test('object and number patterns', async () => {
        assert.equal(await valueOf({ cmd: 'echo' }, 0), 'command');
        assert.equal(await valueOf({ b: 1, a: { d: 'x', c: [1, 2] } }, 0), 'nested');
        assert.equal(await valueOf(7, 0), '7');
    });

    test('0, false, "" and [] as data', async () => {
        for (const data of [0, false, '', []]) assert.deepEqual(await valueOf('echo', data), data);
    });

    test('a reply without a value ends the call', async () => {
        assert.deepEqual(await service.send('nothing', 0), []);
    });

    test('a stream is values and an end', async () => {
        assert.deepEqual(await service.send('stream', 0), [{ value: 1 }, { value: 2 }, { value: 3 }]);
        assert.deepEqual(await service.send('stream.empty', 0), []);
    });

    test('a stream that fails is values and an error', async () => {
        const values = [];
        const failed = await new Promise((resolve) => {
            service.proxy.send('stream.refused', 0)
                .subscribe({ next: (value) => values.push(value), error: resolve });
        });
        assert.deepEqual(failed, nobody);
        assert.deepEqual(values, [{ value: 1 }, { value: 2 }]);
    });

    test('an event reaches its handlers, once each', async () => {
        const key = `event ${nest.version}`;
        const count = async () => (await service.value('seen', { key })).count;
        await service.emit('noted', { key });
        await until('one note', async () => await count() === 1);
        await service.emit({ e: 'noted' }, { key, unknown: 'members are fine' });
        await service.emit('noted.twice', { key });
        await until('three more', async () => await count() === 4);
    });

    test('a call that was given up does no harm', async () => {
        const given = await service.refusal('delayed', { ms: 200, value: 'late' }, 50);
        assert.equal(given.name, 'TimeoutError');
        assert.equal(await valueOf('delayed', { ms: 250, value: 'later' }), 'later');
    });

    test('close, and calls again', async () => {
        const other = tcp(nest, echo.port);
        assert.deepEqual(await other.value('echo', 1), { value: 1 });
        // In 10 and 11 the late end of a closed connection fails the calls of the next one.
        const gone = once(other.proxy.socket.netSocket, 'close');
        await other.close();
        await gone;
        assert.deepEqual(await other.value('echo', 2), { value: 2 });
        await other.close();
    });
});

everyVersion('Load', { concurrency: 1 }, (nest) => {
    test('10 clients with 1,000 calls each at once', async () => {
        const all = range(10).map(async (i) => {
            const one = tcp(nest, echo.port);
            const answers = await Promise.all(range(1000).map((k) => one.value('echo', `${i} ${k}`)));
            answers.forEach(({ value }, k) => assert.equal(value, `${i} ${k}`));
            await one.close();
        });
        await Promise.all(all);
    });

    test('1,000 slow calls on one connection overlap', async () => {
        const service = tcp(nest, echo.port);
        const begin = Date.now();
        const slow = range(1000).map((value) => service.value('delayed', { ms: 50, value }));
        (await Promise.all(slow)).forEach(({ value }, i) => assert.equal(value, i));
        assert.ok(Date.now() - begin < 20_000, `${Date.now() - begin} ms`); // one by one it is 50 s
        await service.close();
    });

    // Of 11 and 12 both sides stop reading while much waits to be sent, so that more than a few of this size at once
    // wait for each other for ever, between two NestJS programs too.
    test('5 calls of 1 MB at once', async () => {
        const service = tcp(nest, echo.port);
        const large = 'ă😀x'.repeat(180_000);
        const answers = await Promise.all(range(5).map((i) => service.value('echo', `${i}${large}`)));
        answers.forEach(({ value }, i) => assert.ok(value === `${i}${large}`, 'other text came back'));
        await service.close();
    });
});

everyVersion('Restarts', { concurrency: true }, (nest) => {
    test('the next call after a restart succeeds', async () => {
        const CUIB_DATA_DIR = temporaryDirectory();
        const first = await start({ CUIB_DATA_DIR }, ['user']);
        const users = tcp(nest, first.port);
        const user = await users.value('user.create', person());
        await first.stop();
        const second = await start({ CUIB_DATA_DIR, USER_SERVICE_PORT: first.port }, ['user']);
        assert.deepEqual(await users.value('user.findByEmail', user.email), user);
        await second.kill();
        const third = await start({ CUIB_DATA_DIR, USER_SERVICE_PORT: first.port }, ['user']);
        assert.deepEqual(await users.value('user.findByEmail', user.email), user);
        await users.close();
        await third.stop();
    });

    test('a service that is gone: ECONNREFUSED', async () => {
        const gone = await echoServer();
        await gone.stop();
        const service = tcp(nest, gone.port);
        assert.equal((await service.refusal('echo', 1)).code, 'ECONNREFUSED');
        await service.close();
    });

    test('calls that run when the service is killed: Connection closed', async () => {
        const killed = await echoServer();
        const service = tcp(nest, killed.port);
        await service.value('echo', 1);
        const pending = service.refusal('delayed', { ms: 5000 });
        await service.value('echo', 2);
        await killed.kill();
        assert.equal((await pending).message, 'Connection closed');
        await service.close();
    });

    test('calls that run when the service is told to stop are answered', async () => {
        const stopped = await echoServer();
        const service = tcp(nest, stopped.port);
        await service.value('echo', 1);
        const pending = service.value('delayed', { ms: 300, value: 'still' });
        await service.value('echo', 2);
        const [answer] = await Promise.all([pending, stopped.stop()]);
        assert.deepEqual(answer, { value: 'still' });
        await service.close();
    });
});
