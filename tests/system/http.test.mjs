// HTTP as NestJS on Express speaks it: routing, bodies, caching, CORS and the order of checks.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { after, describe, test } from 'node:test';
import { admin, answers, connect, exchange, someone, start, unauthorized } from './support.mjs';

const cuib = await start({ FRONTEND_URL: undefined });
after(() => cuib.stop());

const notFound = (method, target) =>
    JSON.stringify({ message: `Cannot ${method} ${target}`, error: 'Not Found', statusCode: 404 });
const badRequest = (message) => JSON.stringify({ message, error: 'Bad Request', statusCode: 400 });
const tooLarge = '{"statusCode":413,"message":"request entity too large"}';
const etagOf = (text) => {
    const sum = createHash('sha1').update(text).digest('base64').slice(0, 27);
    return `W/"${Buffer.byteLength(text).toString(16)}-${sum}"`;
};
const raw = (text) => exchange(cuib.port, text.replaceAll('\n', '\r\n'));

describe('routing', { concurrency: true }, () => {
    test('an unknown path is 404 and names the target as it came', async () => {
        const targets = [
            '/', '/nope', '/nope?x=1&y=<b>', '/%6eope/%zz', '/a/../users', '/nope%00', '/users//',
            '//users', '/users/a/b', '/auth', "/n'ope",
        ];
        for (const target of targets) {
            const answer = await cuib.get(target);
            assert.equal(answer.status, 404, target);
            assert.equal(answer.text, notFound('GET', target));
        }
    });

    test('a known path with another method is 404, never 405', async () => {
        const rows = [
            ['PATCH', '/users'], ['DELETE', '/users'], ['GET', '/auth/login'], ['PUT', '/auth/me'],
            ['PROPFIND', '/users'], ['OPTIONS', '/users'], ['TRACE', '/health'],
        ];
        for (const [method, target] of rows) {
            const text = await raw(`${method} ${target} HTTP/1.1\nHost: x\nConnection: close\n\n`);
            const [answer] = answers(text);
            assert.equal(answer.status, 404, method);
            assert.equal(answer.body, notFound(method, target));
            assert.doesNotMatch(answer.head, /^allow:/im);
        }
    });

    test('case and one slash at the end do not matter', async () => {
        for (const target of ['/AUTH/Login', '/auth/login/', '/Auth/LOGIN/?x=1'])
            assert.equal((await cuib.post(target, { body: admin })).status, 200, target);
    });

    test('a parameter that cannot be decoded is 400 where the route is one', async () => {
        const answer = await cuib.get('/users/%zz', { token: await cuib.admin() });
        assert.equal(answer.status, 400);
        assert.equal(answer.text, badRequest("Failed to decode param '%zz'"));
    });

    test('the absolute form of a target is its path', async () => {
        const text = await raw('GET http://x/health/live HTTP/1.1\nHost: x\nConnection: close\n\n');
        const [answer] = answers(text);
        assert.equal(answer.status, 200);
    });
});

describe('a body', { concurrency: true }, () => {
    const malformed = {
        '{': "Expected property name or '}' in JSON at position 1",
        '{"a":': 'Unexpected end of JSON input',
        '{"a":1,}': 'Expected double-quoted property name in JSON at position 7',
        '{"a" 1}': "Expected ':' after property name in JSON at position 5",
        '{"a":1 "b":2}': "Expected ',' or '}' after property value in JSON at position 7",
        '[1 2]': "Expected ',' or ']' after array element in JSON at position 3",
        '{"a":1}x': 'Unexpected non-whitespace character after JSON at position 7',
        '{"a":01}': 'Unexpected number in JSON at position 6',
        '{"a":tru}': `Unexpected token '}', "{"a":tru}" is not valid JSON`,
        '{"a":"x': 'Unterminated string in JSON at position 7',
        '{"ă":"\n"}': 'Bad control character in string literal in JSON at position 6',
        '{"😀":x}': `Unexpected token 'x', "{"😀":x}" is not valid JSON`,
        "{'a':1}": "Expected property name or '}' in JSON at position 1",
        '   ': 'Unexpected end of JSON input',
        'null': `Unexpected token 'n', "null" is not valid JSON`,
        '"text"': `Unexpected token '"', ""text"" is not valid JSON`,
    };
    for (const [body, message] of Object.entries(malformed)) {
        test(`that is ${JSON.stringify(body)} is answered with V8's words`, async () => {
            const answer = await cuib.post('/users', { body });
            assert.equal(answer.status, 400);
            assert.equal(answer.text, badRequest(message));
        });
    }

    const padded = (length) => `{"x":"${'x'.repeat(length - 8)}"}`;

    test('may have 102400 bytes and no more', async () => {
        const fits = await cuib.post('/users', { body: padded(102400) });
        assert.equal(fits.json.message[0], 'property x should not exist', fits.text);
        const answer = await cuib.post('/users', { body: padded(102401) });
        assert.equal(answer.status, 413);
        assert.equal(answer.text, tooLarge);
    });

    test('in chunks has the same limit', async () => {
        const headers = { 'Transfer-Encoding': 'chunked' };
        assert.equal((await cuib.post('/users', { headers, body: padded(102400) })).status, 400);
        const answer = await cuib.post('/users', { headers, body: padded(102401) });
        assert.equal(answer.status, 413);
        assert.equal(answer.text, tooLarge);
    });

    test('may be 64 levels deep and no more', async () => {
        const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
        const fits = await cuib.post('/users', { body: nested(64) });
        assert.equal(fits.json.message[0], 'property 0 should not exist', fits.text);
        const answer = await cuib.post('/users', { body: nested(65) });
        assert.equal(answer.status, 400);
        assert.equal(typeof answer.json.message, 'string', answer.text);
        assert.equal((await cuib.post('/users', { body: nested(50_000) })).status, 400);
    });

    test('waits for 100 Continue when it says so', async () => {
        const body = JSON.stringify(someone());
        const head = [
            'POST /users HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Connection: close',
            'Content-Type: application/json', `Content-Length: ${body.length}`, '', '',
        ].join('\r\n');
        const connection = connect(cuib.port);
        connection.socket.write(head);
        await new Promise((resolve) => connection.socket.once('data', resolve));
        assert.equal(connection.text, 'HTTP/1.1 100 Continue\r\n\r\n');
        connection.socket.write(body);
        await connection.closed;
        assert.match(connection.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
    });
});

describe('the order of checks:', { concurrency: true }, () => {
    test('malformed JSON comes before the 404 and the 401', async () => {
        for (const target of ['/nope', '/users/1', '/auth/me'])
            assert.equal((await cuib.put(target, { body: '{' })).status, 400, target);
    });
    test('a body that is too large comes before the 401', async () => {
        assert.equal((await cuib.put('/users/1', { body: `"${'x'.repeat(102400)}"` })).status, 413);
    });
    test('the 404 comes before the 401', async () => {
        assert.equal((await cuib.get('/nope', { token: 'x' })).status, 404);
    });
    test('the 401 comes before validation, without `error` and WWW-Authenticate', async () => {
        for (const target of ['/users/1', '/users/%20']) {
            const answer = await cuib.put(target, { body: { email: 5, nonsense: true } });
            assert.equal(answer.text, unauthorized);
            assert.equal(answer.headers['www-authenticate'], undefined);
        }
    });
});

describe('an answer', { concurrency: true }, () => {
    test('has the headers of NestJS but no name of a server', async () => {
        for (const target of ['/auth/me', '/nope', '/health']) {
            const { headers } = await cuib.get(target, { token: await cuib.admin() });
            assert.equal(headers['content-type'], 'application/json; charset=utf-8');
            assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 5000, headers.date);
            assert.equal(headers.server, undefined);
            assert.equal(headers['x-powered-by'], undefined);
        }
    });

    test('carries an ETag, errors and POST included', async () => {
        const all = [
            await cuib.get('/auth/me', { token: await cuib.admin() }),
            await cuib.get('/auth/me'),
            await cuib.get('/nope'),
            await cuib.post('/users', { body: someone() }),
        ];
        for (const { headers, text } of all) assert.equal(headers.etag, etagOf(text));
    });

    test('is 304 for whom has it', async () => {
        const token = await cuib.admin();
        const get = (headers) => cuib.get('/auth/me', { token, headers });
        const { etag } = (await get({})).headers;
        for (const value of [etag, etag.slice(2), `"x", ${etag}`, `W/"a",${etag},"b"`, '*']) {
            const answer = await get({ 'If-None-Match': value });
            assert.equal(answer.status, 304, value);
            assert.equal(answer.headers.etag, etag);
            assert.equal(answer.headers['content-type'], undefined);
            assert.equal(answer.headers['content-length'], undefined);
            assert.equal(answer.text, '');
        }
        assert.equal((await get({ 'If-None-Match': '"x"' })).status, 200);
        const fresh = await get({ 'If-None-Match': etag, 'Cache-Control': 'no-cache' });
        assert.equal(fresh.status, 200);
        const headers = { 'If-None-Match': '*' };
        assert.equal((await cuib.get('/nope', { headers })).status, 404);
        assert.equal((await cuib.post('/users', { headers, body: someone() })).status, 201);
    });

    test('to HEAD is that to GET without the body', async () => {
        const token = await cuib.admin();
        for (const target of ['/auth/me', `/users?email=${admin.email}`, '/health/live']) {
            const get = await cuib.get(target, { token });
            const head = await cuib.head(target, { token });
            assert.equal(head.status, get.status);
            assert.equal(head.text, '');
            for (const name of ['content-type', 'content-length', 'etag'])
                assert.equal(head.headers[name], get.headers[name], name);
        }
        const unknown = await cuib.head('/nope');
        assert.equal(unknown.status, 404);
        assert.equal(Number(unknown.headers['content-length']), notFound('HEAD', '/nope').length);
    });

    test('to HEAD asks for a token as the one to GET does', async () => {
        assert.equal((await cuib.head('/auth/me')).status, 401);
        assert.equal((await cuib.head('/users')).status, 401);
    });
});

describe('CORS', { concurrency: true }, () => {
    const wanted = 'authorization,x-a';
    const asked = { Origin: 'http://evil.example', 'Access-Control-Request-Headers': wanted };
    const methods = 'GET,POST,PUT,DELETE';
    const of = ({ headers }) => Object.fromEntries(['origin', 'credentials', 'methods', 'headers']
        .map((name) => [name, headers[`access-control-allow-${name}`]])
        .filter(([, value]) => value !== undefined));

    test('is silent without FRONTEND_URL, and OPTIONS is 404', async () => {
        const silent = await start({ FRONTEND_URL: '' });
        for (const one of [cuib, silent]) {
            assert.deepEqual(of(await one.get('/health', { headers: asked })), {});
            const preflight = await one.options('/users', { headers: asked });
            assert.equal(preflight.status, 404);
            assert.deepEqual(of(preflight), {});
        }
        await silent.stop();
    });

    const rows = {
        'http://localhost:5173': ['Origin', 'Origin, Access-Control-Request-Headers'],
        '*': [undefined, 'Access-Control-Request-Headers'],
    };
    for (const [origin, [vary, preflightVary]] of Object.entries(rows)) {
        test(`allows ${origin} when FRONTEND_URL says so, on errors too`, async () => {
            const one = await start({ FRONTEND_URL: origin });
            const simple = { origin, credentials: 'true' };
            const requests = [['/health'], ['/nope'], ['/auth/me'], ['/users', '{']];
            for (const headers of [{}, asked]) {
                for (const [target, body] of requests) {
                    const answer = await (body ? one.post : one.get)(target, { headers, body });
                    assert.deepEqual(of(answer), simple, target);
                    assert.equal(answer.headers.vary, vary);
                }
            }
            for (const target of ['/users', '/nope', '/auth/me']) {
                const preflight = await one.options(target, { headers: asked });
                assert.equal(preflight.status, 204);
                assert.deepEqual(of(preflight), { ...simple, methods, headers: wanted });
                assert.equal(preflight.headers.vary, preflightVary);
                assert.equal(preflight.headers['content-length'], '0');
            }
            const bare = await one.options('/users');
            assert.equal(bare.status, 204);
            assert.deepEqual(of(bare), { ...simple, methods });
            await one.stop();
        });
    }
});

test('a connection serves one request after another', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 50; i++) {
        const answer = await cuib.get(i % 2 ? '/nope' : '/health/live', { agent });
        assert.equal(answer.status, i % 2 ? 404 : 200);
        assert.equal(answer.headers.connection, 'keep-alive');
        assert.equal(answer.headers['keep-alive'], 'timeout=5');
    }
    assert.equal(Object.values(agent.freeSockets).flat().length, 1);
    agent.destroy();
});
