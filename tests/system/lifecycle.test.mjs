// Starting, stopping, being killed, and the command line.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import {
    admin, finished, password, secret, someone, start, temporaryDirectory, until,
} from './support.mjs';

// A refusal to start is one line on stderr that says what is wrong, and an exit code that is not 0.
async function refuses(args, settings, ...words) {
    const { code, signal, stderr } = await finished(args, settings);
    assert.ok(code > 0, `exit code ${code}, signal ${signal}`);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 1, stderr);
    for (const word of words) assert.ok(lines[0].includes(word), `${word} is not in: ${stderr}`);
    return stderr;
}

const refusesConnections = (port) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(false); });
    socket.on('error', (error) => resolve(error.code === 'ECONNREFUSED'));
});

describe('SIGTERM', { concurrency: true }, () => {
    test('lets a login that runs end well, takes no new connections, exits with 0', async () => {
        const cuib = await start({ BCRYPT_COST: 12 });
        let answered = false;
        const login = cuib.login(admin.email, admin.password).finally(() => { answered = true; });
        await cuib.get('/health/live'); // the login came before, so it runs by now
        assert.ok(!answered, 'a login of cost 12 took no longer than a look at the health');
        process.kill(cuib.pid, 'SIGTERM');
        process.kill(cuib.pid, 'SIGTERM'); // a second one shortens nothing
        await until('connections to be refused', () => refusesConnections(cuib.port));
        assert.ok(!answered, 'connections were still accepted when the login was answered');
        const answer = await login;
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.connection, 'close');
        await cuib.stop();
    });

    test('does not wait for idle connections', async () => {
        const cuib = await start();
        const idle = net.connect(cuib.port, '127.0.0.1');
        await once(idle, 'connect');
        const kept = net.connect(cuib.port, '127.0.0.1').setEncoding('utf8');
        kept.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(kept, 'data');
        const begin = Date.now();
        await cuib.stop();
        assert.ok(Date.now() - begin < 2000, `${Date.now() - begin} ms`);
        idle.destroy();
        kept.destroy();
    });

    test('SIGINT does the same', async () => {
        const cuib = await start();
        process.kill(cuib.pid, 'SIGINT');
        const { code } = await cuib.ended();
        assert.equal(code, 0);
    });
});

describe('what is stored', { concurrency: true }, () => {
    test('is there after kill -9 right behind the 201, twenty times', async () => {
        const settings = { CUIB_DATA_DIR: temporaryDirectory() };
        const emails = [];
        for (let round = 0; round < 20; round++) {
            const cuib = await start(settings);
            if (round > 0) await cuib.token(emails.at(-1));
            const user = someone();
            const answer = await cuib.post('/users', { body: user });
            process.kill(cuib.pid, 'SIGKILL');
            assert.equal(answer.status, 201, answer.text);
            emails.push(user.email);
            await cuib.ended();
        }
        const cuib = await start(settings);
        const { items } = (await cuib.get('/users?limit=100', { token: await cuib.admin() })).json;
        assert.deepEqual(items.map(({ email }) => email), [...emails.reverse(), admin.email]);
        await cuib.stop();
    });

    test('is all there after kill -9 under 16 writers: no answered 201 is lost', async () => {
        const settings = { CUIB_DATA_DIR: temporaryDirectory() };
        const cuib = await start(settings);
        const answered = [];
        const write = async () => {
            for (;;) {
                const user = someone();
                const answer = await cuib.post('/users', { body: user }).catch(() => null);
                if (!answer) return;
                if (answer.status === 201) answered.push(answer.json);
            }
        };
        const writers = Array.from({ length: 16 }, write);
        await until('60 users', () => answered.length >= 60);
        await cuib.kill();
        await Promise.all(writers);
        const again = await start(settings);
        const token = await again.admin();
        for (const user of answered)
            assert.equal((await again.get(`/users/${user.id}`, { token })).json.email, user.email);
        await again.stop();
    });

    test('the first admin is made once: a changed password survives a restart', async () => {
        const settings = { CUIB_DATA_DIR: temporaryDirectory() };
        const first = await start(settings);
        const token = await first.admin();
        const { id } = (await first.get('/auth/me', { token })).json;
        await first.put(`/users/${id}`, { token, body: { password: 'changed since then' } });
        await first.stop();
        const second = await start(settings);
        assert.equal((await second.login(admin.email, 'changed since then')).status, 200);
        assert.equal((await second.login(admin.email, admin.password)).status, 401);
        await second.stop();
    });

    test('without ADMIN_EMAIL there is no admin', async () => {
        const cuib = await start({ ADMIN_EMAIL: undefined, ADMIN_PASSWORD: undefined });
        const user = await cuib.member();
        assert.equal((await cuib.get('/users', user)).status, 403);
        assert.equal((await cuib.login(admin.email, admin.password)).status, 401);
        await cuib.stop();
    });
});

describe('a start that cannot be is refused in one line:', { concurrency: true }, () => {
    test('a port in use', async () => {
        const server = net.createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address();
        await refuses(['up'], { GATEWAY_PORT: port }, '127.0.0.1', String(port));
        server.close();
    });

    test('an unknown service', () => refuses(['up', 'nosuch'], {}, 'nosuch'));
    test('an unknown command', () => refuses(['nosuch'], {}, 'nosuch'));

    const settings = {
        GATEWAY_PORT: ['abc', '70000', '-1', '3000x'],
        USER_SERVICE_PORT: ['abc'],
        BCRYPT_COST: ['abc', '99', '0'],
        JWT_EXPIRES_IN: ['soon', '0', '-1h'],
        LOG_LEVEL: ['loud'],
    };
    for (const [name, values] of Object.entries(settings)) {
        for (const value of values)
            test(`${name}=${value}`, () => refuses(['up'], { [name]: value }, name));
    }

    test('a secret that is too short, which is not shown', async () => {
        const stderr = await refuses(['up'], { JWT_SECRET: 'short-and-bad' }, 'JWT_SECRET');
        assert.ok(!stderr.includes('short-and-bad'));
    });

    test('a directory for the data that cannot be made', () =>
        refuses(['up'], { CUIB_DATA_DIR: '/proc/nowhere' }, '/proc/nowhere'));
});

describe('the command line', { concurrency: true }, () => {
    test('--help and help say what there is', async () => {
        for (const args of [['--help'], ['help']]) {
            const { code, stdout, stderr } = await finished(args);
            assert.equal(code, 0, stderr);
            assert.equal(stderr, '');
            for (const word of ['up', 'version', 'openapi'])
                assert.match(stdout, new RegExp(`\\b${word}\\b`));
        }
    });

    test('version prints one line with the version', async () => {
        for (const args of [['version'], ['--version']]) {
            const { code, stdout } = await finished(args);
            assert.equal(code, 0);
            assert.match(stdout, /^(cuib )?\d+\.\d+\.\d+\S*\n$/);
        }
    });

    test('openapi prints the document, with every user route in it', async () => {
        const { code, stdout, stderr } = await finished(['openapi']);
        assert.equal(code, 0, stderr);
        const { openapi, paths } = JSON.parse(stdout);
        assert.match(openapi, /^3\./);
        const methods = (target) => Object.keys(paths[target] ?? {}).sort();
        assert.deepEqual(methods('/users'), ['get', 'post']);
        assert.deepEqual(methods('/users/{id}'), ['delete', 'get', 'put']);
        assert.deepEqual(methods('/auth/login'), ['post']);
        assert.deepEqual(methods('/auth/me'), ['get']);
        assert.deepEqual(methods('/health'), ['get']);
        const cuib = await start();
        assert.deepEqual((await cuib.get('/api/docs-json')).json, JSON.parse(stdout));
        await cuib.stop();
    });

    test('the log keeps passwords, tokens and secrets to itself', async () => {
        const cuib = await start({ LOG_LEVEL: 'debug' });
        const { token, id } = await cuib.member();
        await cuib.get(`/users/${id}`, { token });
        await cuib.login(admin.email, 'a wrong password');
        await cuib.stop();
        const { stdout, stderr } = await cuib.ended();
        for (const word of [password, 'a wrong password', admin.password, secret, token, '$2b$'])
            assert.ok(!(stdout + stderr).includes(word), word);
    });
});
