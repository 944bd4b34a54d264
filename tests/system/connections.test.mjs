// The bytes of HTTP/1.1 (RFC 9112): what a proxy and a server could read differently is refused,
// and nobody keeps a connection for nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { answers, connect, exchange, start, until, within } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const send = (bytes) => exchange(cuib.port, bytes);
const probe = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const post = (headers, body) =>
    ['POST /users HTTP/1.1', 'Host: x', ...headers, '', body].join('\r\n');
const get = (target, ...headers) =>
    [`GET ${target} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
const chunked = (body) => post(['Transfer-Encoding: chunked'], body);

describe('refused with 400, closed, and nothing behind it is read:', { concurrency: true }, () => {
    const rows = {
        'Content-Length, then Transfer-Encoding':
            post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
        'Transfer-Encoding, then Content-Length':
            post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
        'two lengths that differ': post(['Content-Length: 0', 'Content-Length: 5'], ''),
        'two lengths in one line': post(['Content-Length: 0, 5'], ''),
        'a length with a sign': post(['Content-Length: +0'], ''),
        'a negative length': post(['Content-Length: -1'], ''),
        'a hexadecimal length': post(['Content-Length: 0x0'], ''),
        'a length of 20 digits and more': post(['Content-Length: 99999999999999999999'], ''),
        'an empty length': post(['Content-Length:'], ''),
        'a blank before the colon': post(['Content-Length : 0'], ''),
        'a folded header': post(['X: a', ' b', 'Content-Length: 0'], ''),
        'a header without a colon': post(['Nonsense', 'Content-Length: 0'], ''),
        'a header without a name': post([': x', 'Content-Length: 0'], ''),
        'a bare CR in a header': post(['X: a\rb', 'Content-Length: 0'], ''),
        'a NUL in a header': post(['X: a\0b', 'Content-Length: 0'], ''),
        'chunked twice': post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'),
        'chunked but not last': post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
        'chunked with a vertical tab': post(['Transfer-Encoding: \x0bchunked'], '0\r\n\r\n'),
        'a chunk size that is no number': chunked('x\r\n\r\n'),
        'a chunk size with 0x': chunked('0x0\r\n\r\n'),
        'a negative chunk size': chunked('-1\r\n\r\n'),
        'a chunk longer than it says': chunked('1\r\nab\r\n0\r\n\r\n'),
        'a bare LF behind a chunk size': chunked('0\n\r\n'),
        'no Host': 'GET /health HTTP/1.1\r\n\r\n',
        'two Hosts': 'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        'a blank in the target': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
        'a control character in the target': 'GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n',
        'a method that is no token': 'G(T /health HTTP/1.1\r\nHost: x\r\n\r\n',
        'a protocol that is not HTTP': 'GET /health HTTQ/1.1\r\nHost: x\r\n\r\n',
        'bytes of TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    };
    for (const [title, bytes] of Object.entries(rows)) {
        test(title, async () => {
            const text = await send(Buffer.from(bytes + probe, 'latin1'));
            const [first, ...rest] = answers(text);
            assert.equal(first.status, 400, text);
            assert.match(first.head, /^connection: *close$/im);
            assert.deepEqual(rest, []);
        });
    }
});

test('a chunk size beyond 64 bits is not taken for a small one', async () => {
    const [first, ...rest] = answers(await send(chunked(`10000000000000000\r\n${probe}`)));
    assert.ok([400, 413].includes(first.status), first.head);
    assert.deepEqual(rest, []);
});

describe('pipelined requests', { concurrency: true }, () => {
    test('are answered in order, also when a slow one comes first', async () => {
        const body = '{"email":"nobody@example.com","password":"a wrong password"}';
        const login = `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
            + `Content-Length: ${body.length}\r\n\r\n${body}`;
        const all = answers(await send(
            login + get('/first') + get('/health/live') + get('/last', 'Connection: close')));
        assert.deepEqual(all.map(({ status }) => status), [401, 404, 200, 404]);
        assert.match(all[1].body, /Cannot GET \/first/);
        assert.match(all[3].body, /Cannot GET \/last/);
    });

    test('may be two hundred, in pieces of any size', async () => {
        const many = Array.from({ length: 200 }, (_, i) => get(`/n${i}`));
        const bytes = many.join('') + get('/end', 'Connection: close');
        const connection = connect(cuib.port);
        for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 997) {
            connection.socket.write(bytes.slice(at, at + size));
            if (size % 5 === 0) await new Promise(setImmediate);
        }
        await connection.closed;
        const all = answers(connection.text);
        assert.equal(all.length, 201);
        for (const i of many.keys()) assert.ok(all[i].body.includes(`Cannot GET /n${i}"`));
    });

    test('end with the one that says Connection: close', async () => {
        const all = answers(await send(get('/a', 'Connection: close') + get('/b')));
        assert.equal(all.length, 1);
        assert.match(all[0].head, /^connection: *close$/im);
    });
});

test('a request may come byte by byte', async () => {
    const connection = connect(cuib.port);
    for (const byte of get('/health/live', 'Connection: close')) {
        connection.socket.write(byte);
        await new Promise(setImmediate);
    }
    await connection.closed;
    assert.equal(answers(connection.text)[0].status, 200);
});

test('HTTP/1.0 needs no Host and is closed after its answer', async () => {
    const [answer] = answers(await send('GET /health/live HTTP/1.0\r\n\r\n'));
    assert.equal(answer.status, 200);
    assert.match(answer.head, /^connection: *close$/im);
});

describe('limits', { concurrency: true }, () => {
    test('headers over 16 KiB are 431', async () => {
        const text = await send(get('/health/live', `X: ${'x'.repeat(17 * 1024)}`));
        assert.match(text, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
        assert.match(text, /^connection: *close$/im);
    });

    test('headers of 12 KiB are fine', async () => {
        const long = `X: ${'x'.repeat(12 * 1024)}`;
        const [answer] = answers(await send(get('/health/live', long, 'Connection: close')));
        assert.equal(answer.status, 200);
    });

    test('a head without an end is 431, not remembered for ever', async () => {
        const connection = connect(cuib.port);
        connection.socket.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(1 << 20)}`);
        await within(connection.closed, 5000, 'the connection to be closed');
        assert.match(connection.text, /^HTTP\/1\.1 431 |^$/);
    });
});

test('clients that go away in the middle harm nobody', async () => {
    const body = '{"email":"nobody@example.com","password":"a wrong password"}';
    const login = post(['Content-Type: application/json', `Content-Length: ${body.length}`], body)
        .replace('/users', '/auth/login');
    for (let length = 1; length <= login.length; length += 3) {
        const { socket } = connect(cuib.port);
        socket.write(login.slice(0, length), () => socket.resetAndDestroy());
    }
    assert.equal(answers(await send(get('/health', 'Connection: close')))[0].status, 200);
});

test('five hundred idle connections are no burden', async () => {
    const idle = Array.from({ length: 500 }, () => connect(cuib.port));
    await Promise.all(idle.map(({ socket }) => once(socket, 'connect')));
    const begin = Date.now();
    for (let i = 0; i < 20; i++)
        assert.equal(answers(await send(get('/health/live', 'Connection: close')))[0].status, 200);
    assert.ok(Date.now() - begin < 2000, `${Date.now() - begin} ms for 20 requests`);
    for (const { socket } of idle) socket.destroy();
});

describe('time', { concurrency: true }, () => {
    test('a head that comes a byte a second is cut off, and disturbs nobody', async () => {
        const slow = Array.from({ length: 20 }, () => connect(cuib.port));
        const drip = setInterval(() => {
            for (const { socket } of slow) if (!socket.destroyed) socket.write('x');
        }, 1000);
        slow.forEach(({ socket }) => socket.write('GET / HTTP/1.1\r\nHost: x\r\nX: '));
        assert.equal(answers(await send(get('/health/live', 'Connection: close')))[0].status, 200);
        const all = Promise.all(slow.map(({ closed }) => closed));
        await within(all, 15_000, 'slow heads to be cut off').finally(() => {
            clearInterval(drip);
            slow.forEach(({ socket }) => socket.destroy());
        });
        const [{ opened }] = slow;
        assert.ok(Date.now() - opened > 3000, 'a second or two is not slow');
        for (const { text } of slow) assert.match(text, /^HTTP\/1\.1 408 |^$/);
    });

    test('an idle connection is closed after some five seconds', async () => {
        const connection = connect(cuib.port);
        connection.socket.write(get('/health/live'));
        await until('the answer', () => connection.text.includes('"status":"ok"'));
        const begin = Date.now();
        await within(connection.closed, 10_000, 'an idle connection to be closed');
        assert.ok(Date.now() - begin > 4000, `${Date.now() - begin} ms`);
    });
});
