// `cuib call`, `emit` and `listen`: the command line as a client and as a server of NestJS's wire.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { admin, finished, freshEmail, repository, run, someone, start, until } from './support.mjs';
import { freePort, startRedis } from './redis.mjs';

const lines = (text) => text.split('\n').slice(0, -1).map((line) => JSON.parse(line));

/** Runs it to its end; what it prints must be JSON lines, what it complains of one line. */
async function cuib(...args) {
    const { code, signal, stdout, stderr } = await finished(args.map(String));
    assert.equal(signal, null);
    assert.ok(stderr === '' || /^cuib \w+: [^\n]+\n$/.test(stderr), stderr);
    return { code, values: lines(stdout), complaint: stderr.trimEnd() };
}

async function gives(args, ...values) {
    assert.deepEqual(await cuib(...args), { code: 0, values, complaint: '' });
}

async function fails(args, code, complaint, values = []) {
    const result = await cuib(...args);
    assert.match(result.complaint, complaint);
    assert.deepEqual([result.code, result.values], [code, values]);
}

/** A server of the wire that answers each request with the texts given, none of them checked. */
async function answering(...packets) {
    const server = net.createServer((socket) => socket.on('data', (bytes) => {
        const id = /"id":("[^"]*")/.exec(bytes.toString())?.[1];
        for (const packet of packets) {
            const text = packet.replace('ID', id);
            socket.write(`${text.length}#${text}`);
        }
    })).listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    return { address: `tcp://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** `cuib listen`, once it says that it does; `heard` waits for so many lines. */
async function listening(...args) {
    const listener = run(['listen', ...args]);
    const address = await until('the listener', () =>
        /^listening on (\S+)\n/.exec(listener.output.stderr)?.[1]);
    return {
        address, output: listener.output,
        heard: async (count) => {
            await until(`${count} packets`, () => lines(listener.output.stdout).length >= count);
            return lines(listener.output.stdout).map(({ metadata, ...rest }) => rest);
        },
        async stop() {
            listener.child.kill('SIGTERM');
            assert.equal((await listener.ended()).code, 0);
        },
    };
}

let redis;
let user;
before(async () => {
    redis = await startRedis({ password: 'p@ss/word' });
    user = await start(
        { REDIS_HOST: redis.host, REDIS_PORT: redis.port, REDIS_PASSWORD: redis.password }, ['user']);
});
after(async () => {
    await user.stop();
    await redis.kill();
});

for (const [carrier, address] of [
    ['TCP', () => `tcp://127.0.0.1:${user.port}`], ['Redis', () => redis.url()],
]) {
    describe(`cuib call over ${carrier}`, () => {
        test('prints the reply', async () => {
            const { code, values, complaint } = await cuib('call', address(), 'user.create',
                JSON.stringify({ ...someone(), name: 'Ană 😀' }));
            assert.deepEqual([code, complaint], [0, '']);
            assert.equal(values[0].name, 'Ană 😀');
            await gives(['call', address(), 'user.findByEmail', JSON.stringify(values[0].email)],
                values[0]);
        });

        test('takes {} for data that is left out', async () => {
            const { values } = await cuib('call', address(), 'user.findAll');
            assert.ok(values[0].items.some(({ email }) => email === admin.email));
        });

        test('a reply without a value prints nothing', async () => {
            const { values: [{ id }] } =
                await cuib('call', address(), 'user.create', JSON.stringify(someone()));
            await gives(['call', address(), 'user.delete', JSON.stringify(id)]);
        });

        test('an error reply is told, exit code 1', async () => {
            await fails(['call', address(), 'user.findByEmail', JSON.stringify(freshEmail())], 1,
                /^cuib call: 404 User not found$/);
            await fails(['call', address(), 'user.create', '{}'], 1,
                /^cuib call: 400 .*email must be an email; /);
        });
    });
}

describe('cuib call', () => {
    test('of an unknown pattern tells what the server says', async () => {
        await fails(['call', `tcp://127.0.0.1:${user.port}`, 'nope'], 1,
            /There is no matching message handler defined in the remote service\./);
    });

    test('prints the items of a stream, then what ended it', async () => {
        const whole = await answering('{"response":1,"id":ID}', '{"response":{"a":[null]},"id":ID}',
            '{"response":"x\\ny","isDisposed":true,"id":ID}');
        await gives(['call', whole.address, 'p'], 1, { a: [null] }, 'x\ny');
        whole.close();
        const broken = await answering('{"response":1,"id":ID}',
            '{"err":{"status":"error","message":"late"},"isDisposed":true,"id":ID}');
        await fails(['call', broken.address, 'p'], 1, /\{"status":"error","message":"late"\}$/, [1]);
        broken.close();
    });

    test('prints items as they come, and gives up when the time is over: 75', async () => {
        const open = await answering('{"response":1,"id":ID}');
        const begin = Date.now();
        const { child, output, ended } = run(['call', open.address, 'p', '--timeout', '0.6']);
        await until('the first item', () => output.stdout === '1\n');
        assert.equal(child.exitCode, null);
        const { code, stderr } = await ended();
        assert.deepEqual([code, stderr], [75, 'cuib call: no reply within 0.6 s\n']);
        assert.ok(Date.now() - begin >= 600);
        open.close();
    });

    test('over Redis prints the items of a stream, and no others', async () => {
        const client = await redis.client();
        const mouth = await redis.client();
        await client.command('SUBSCRIBE', 'numbers');
        const result = cuib('call', redis.url(), 'numbers', '{"to":3}');
        const { payload } = await until('the request', () => client.messages[0]);
        const { id, pattern, data } = JSON.parse(payload);
        assert.deepEqual([pattern, data, typeof id], ['numbers', { to: 3 }, 'string']);
        const reply = (packet) => mouth.publish('numbers.reply', packet);
        await reply({ response: 1, id });
        await reply({ response: 'no', isDisposed: true, id: 'another' });
        await reply('nonsense');
        await reply({ response: 2, id });
        await reply({ isDisposed: true, id });
        assert.deepEqual(await result, { code: 0, values: [1, 2], complaint: '' });
        client.close();
        mouth.close();
    });

    test('is refused where nobody is: 69', async () => {
        const port = await freePort();
        await fails(['call', `tcp://127.0.0.1:${port}`, 'p'], 69,
            /^cuib call: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
        await fails(['call', `redis://127.0.0.1:${port}`, 'p'], 69, /ECONNREFUSED/);
        await fails(['emit', `tcp://127.0.0.1:${port}`, 'p'], 69, /ECONNREFUSED/);
        await fails(['emit', `redis://127.0.0.1:${port}`, 'p'], 69, /ECONNREFUSED/);
        await fails(['listen', `redis://127.0.0.1:${port}`], 69, /ECONNREFUSED/);
        await fails(['call', 'tcp://no-such-host.invalid:1', 'p'], 69, /ENOTFOUND|EAI_AGAIN/);
        await fails(['call', redis.url(), 'nobody.listens'], 69, /nobody listens on nobody\.listens$/);
        await fails(['call', `redis://${redis.host}:${redis.port}`, 'p'], 69, /NOAUTH/);
        await fails(['call', `redis://:wrong@${redis.host}:${redis.port}`, 'p'], 69, /WRONGPASS/);
    });

    test('a connection that closes before the reply is told: 69', async () => {
        const server = net.createServer((socket) => socket.on('data', () => socket.end()))
            .listen(0, '127.0.0.1').unref();
        await once(server, 'listening');
        await fails(['call', `tcp://127.0.0.1:${server.address().port}`, 'p'], 69, /Connection closed/);
        server.close();
    });

    test('a wrong command line is told: 64', async () => {
        for (const args of [
            [], ['call'], ['call', 'tcp://127.0.0.1:1'], ['call', '127.0.0.1:1', 'p'],
            ['call', 'http://127.0.0.1:1', 'p'], ['call', 'tcp://127.0.0.1:70000', 'p'],
            ['call', 'tcp://127.0.0.1:x', 'p'], ['call', 'tcp://[::1', 'p'],
            ['call', 'redis://127.0.0.1:1/x', 'p'], ['call', 'tcp://127.0.0.1:1/1', 'p'],
            ['call', 'tcp://u:p@127.0.0.1:1', 'p'], ['call', 'tcp://127.0.0.1:1', 'p', '{'],
            ['call', 'tcp://127.0.0.1:1', 'p', '1', '2'], ['call', '--nope', 'tcp://127.0.0.1:1', 'p'],
            ['call', 'tcp://127.0.0.1:1', 'p', '--timeout'], ['call', 'tls://127.0.0.1:1', 'p'],
            ['call', 'tcp://127.0.0.1:1', 'p', '--timeout', '0'], ['emit', 'tcp://127.0.0.1:1'],
            ['emit', 'tcp://127.0.0.1:1', 'p', 'x'], ['listen'], ['listen', 'x'],
        ].slice(1)) {
            const { code, complaint } = await cuib(...args);
            assert.equal(code, 64, args.join(' '));
            assert.notEqual(complaint, '', args.join(' '));
        }
    });

    test('is in the help, with its exit codes', async () => {
        const { stdout } = await finished(['help']);
        for (const word of ['cuib call', 'cuib emit', 'cuib listen', '--timeout', ' 64 ', ' 69 ', ' 75 '])
            assert.ok(stdout.includes(word), word);
    });
});

describe('cuib listen', () => {
    test('over TCP prints what comes and refuses requests', async () => {
        const listener = await listening('tcp://127.0.0.1:0');
        await gives(['emit', listener.address, 'order.created', '{"orderId":1,"to":"Ană 😀"}']);
        await gives(['emit', listener.address, '{"b":1,"a":"x"}', '0']);
        await fails(['call', listener.address, '{"b":1,"a":"x"}', 'null'], 1,
            /^cuib call: 501 .*only/);
        const [event, object, { id, ...asked }] = await listener.heard(3);
        assert.deepEqual(event, { pattern: 'order.created', data: { orderId: 1, to: 'Ană 😀' } });
        assert.deepEqual(object, { pattern: '{"a":"x","b":1}', data: 0 });
        assert.deepEqual(asked, { pattern: { b: 1, a: 'x' }, data: null });
        assert.equal(typeof id, 'string');
        await listener.stop();
    });

    test('prints only the patterns that are named', async () => {
        const listener = await listening('tcp://127.0.0.1:0', 'order.*', '{"cmd":"sum"}', 'exact');
        for (const pattern of ['order.created', 'user.created', '{"cmd":"sum"}', 'exact', 'exactly'])
            await gives(['emit', listener.address, pattern]);
        const patterns = (await listener.heard(3)).map(({ pattern }) => pattern);
        assert.deepEqual(patterns, ['order.created', '{"cmd":"sum"}', 'exact']);
        await listener.stop();
        assert.equal(lines(listener.output.stdout).length, 3);
    });

    test('over TLS knows its callers, when it has authorities', async () => {
        const file = (name) => path.join(repository, 'tests/data/tls', name);
        const shown = (name) => ({
            RPC_TLS_CERT_FILE: file(`${name}.pem`), RPC_TLS_KEY_FILE: file(`${name}.key`),
            RPC_TLS_CA_FILE: file('ca.pem'),
        });
        const listener = run(['listen', 'tls://127.0.0.1:0'], shown('server'));
        const port = await until('the listener', () =>
            /^listening on tls:\/\/127\.0\.0\.1:(\d+)\n/.exec(listener.output.stderr)?.[1]);
        const emit = (settings) => finished(['call', `tls://127.0.0.1:${port}`, 'p', '1'], settings);
        assert.equal((await emit(shown('client'))).stderr,
            'cuib call: 501 cuib listen only prints what it hears\n');
        assert.equal((await emit(shown('stranger'))).code, 69);
        assert.equal((await emit({})).code, 64);
        assert.equal(lines(listener.output.stdout).length, 1);
        listener.child.kill('SIGTERM');
        await listener.ended();
    });

    test('survives garbage', async () => {
        const listener = await listening('tcp://127.0.0.1:0');
        const socket = net.connect(Number(listener.address.split(':')[2]), '127.0.0.1');
        socket.on('error', () => {});
        socket.resume().write('GET / HTTP/1.1\r\n\r\n3#xxx');
        await once(socket, 'close');
        await gives(['emit', listener.address, 'p', '1']);
        assert.deepEqual(await listener.heard(1), [{ pattern: 'p', data: 1 }]);
        await listener.stop();
    });

    test('on Redis overhears everything, or what is named', async () => {
        const all = await listening(redis.url());
        const some = await listening(redis.url(), 'order.*', '{"e":"obj"}');
        const mouth = await redis.client();
        await gives(['emit', redis.url(), 'order.created', '{"orderId":1}']);
        await gives(['emit', redis.url(), '{"e":"obj"}', '1']);
        await mouth.publish('order.paid', 'hello');
        await mouth.publish('other', '{"orderId":3}');
        assert.deepEqual(await some.heard(3), [
            { pattern: 'order.created', data: { orderId: 1 } },
            { pattern: { e: 'obj' }, data: 1 },
            { pattern: 'order.paid', data: 'hello' },
        ]);
        assert.equal((await all.heard(4)).length, 4);
        assert.deepEqual((await all.heard(4))[3], { pattern: 'other', data: { orderId: 3 } });
        await cuib('call', redis.url(), 'user.findByEmail', JSON.stringify(admin.email));
        const overheard = await all.heard(6);
        assert.equal(overheard[4].pattern, 'user.findByEmail');
        assert.equal(overheard[5].pattern, 'user.findByEmail.reply');
        assert.equal(overheard[5].data.response.email, admin.email);
        mouth.close();
        await all.stop();
        await some.stop();
    });
});
