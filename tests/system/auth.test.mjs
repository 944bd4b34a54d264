// Tokens, roles and what happens to somebody who guesses passwords.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import {
    admin, claimsOf, freshEmail, jwt, now, password, secret, someone, start, temporaryDirectory,
    unauthorized, until,
} from './support.mjs';

const cuib = await start({ JWT_EXPIRES_IN: '1h' });
after(() => cuib.stop());

const me = (authorization) =>
    cuib.get('/auth/me', { headers: authorization ? { Authorization: authorization } : {} });

async function refused(answer) {
    const { status, text, headers } = await answer;
    assert.equal(status, 401, text);
    assert.equal(text, unauthorized);
    assert.equal(headers['www-authenticate'], undefined);
}

describe('logging in', { concurrency: true }, () => {
    test('gives a token, its type and its life in seconds', async () => {
        const user = await cuib.register();
        const answer = await cuib.login(user.email);
        assert.equal(answer.status, 200);
        assert.deepEqual(Object.keys(answer.json), ['access_token', 'token_type', 'expires_in']);
        assert.equal(answer.json.token_type, 'Bearer');
        assert.equal(answer.json.expires_in, 3600);
        const { sub, iat, exp } = claimsOf(answer.json.access_token);
        assert.equal(sub, user.id);
        assert.equal(exp - iat, 3600);
        assert.ok(Math.abs(iat - now()) <= 5);
    });

    test('an unknown address, a wrong password and an inactive user get the same 401', async () => {
        const inactive = await cuib.register();
        const token = await cuib.admin();
        await cuib.put(`/users/${inactive.id}`, { token, body: { isActive: false } });
        const known = await cuib.register();
        const all = [
            await cuib.login(freshEmail()),
            await cuib.login(known.email, 'a wrong password'),
            await cuib.login(known.email, `${password} `),
            await cuib.login(inactive.email),
            await cuib.login(inactive.email, 'a wrong password'),
        ];
        for (const answer of all) {
            assert.equal(answer.status, 401, answer.text);
            assert.equal(answer.text, all[0].text);
            assert.equal(answer.headers['www-authenticate'], undefined);
        }
        assert.equal(all[0].json.statusCode, 401);
    });

    test('without JWT_EXPIRES_IN it still ends some day', async () => {
        const other = await start();
        const { json } = await other.login(admin.email, admin.password);
        const { exp, iat } = claimsOf(json.access_token);
        assert.equal(exp - iat, json.expires_in);
        assert.ok(json.expires_in > 0);
        await other.stop();
    });
});

describe('a token', { concurrency: true }, async () => {
    const { token, id } = await cuib.member();
    const claims = claimsOf(token);
    const [head, body, signature] = token.split('.');
    const flipped = signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
    const says = (alg, hash) => jwt(claims, { header: { alg, typ: 'JWT' }, hash });

    test('that we sign ourselves with the same secret and claims is accepted', async () => {
        const all = {
            same: jwt(claims),
            fraction: jwt({ ...claims, exp: now() + 60.5 }),
            future: jwt({ ...claims, iat: now() + 60 }),
            bare: jwt(claims, { header: { alg: 'HS256' } }),
            kid: jwt(claims, { header: { alg: 'HS256', kid: 'x' } }),
        };
        for (const [name, good] of Object.entries(all))
            assert.equal((await me(`Bearer ${good}`)).json.id, id, name);
    });

    const rows = {
        'without a signature, alg none': says('none', null),
        'without a signature, alg None': says('None', null),
        'with alg none and a good signature': says('none'),
        'without alg': says(undefined),
        'with alg null': says(null),
        'with alg hs256': says('hs256'),
        'with HS384, which is not configured': says('HS384', 'sha384'),
        'with HS512, which is not configured': says('HS512', 'sha512'),
        'that says HS256 and is signed with HS512': says('HS256', 'sha512'),
        'with alg RS256': says('RS256'),
        'of another secret': jwt(claims, { key: `${secret}x` }),
        'of an empty secret': jwt(claims, { key: '' }),
        'with one bit of the signature changed': `${head}.${body}.${flipped}`,
        'with half a signature': `${head}.${body}.${signature.slice(0, 20)}`,
        'with no signature': `${head}.${body}.`,
        'in two parts': `${head}.${body}`,
        'in four parts': `${token}.${signature}`,
        'with padding': `${head}.${body}.${signature}=`,
        'with another payload under the same signature':
            `${head}.${jwt({ ...claims, roles: ['admin'] }).split('.')[1]}.${signature}`,
        'that expires now': jwt({ ...claims, exp: now() }),
        'that expired an hour ago': jwt({ ...claims, exp: now() - 3600 }),
        'that expired in 1970': jwt({ ...claims, exp: 0 }),
        'whose exp is a text': jwt({ ...claims, exp: String(now() + 60) }),
        'whose exp is null': jwt({ ...claims, exp: null }),
        'that is not valid yet': jwt({ ...claims, nbf: now() + 60 }),
        'whose nbf is a text': jwt({ ...claims, nbf: '0' }),
        'whose payload is null': jwt(null),
        'whose payload is a list': jwt([claims]),
        'whose payload is not JSON': jwt('{"sub"'),
        'whose header is not JSON': jwt(claims, { header: '{"alg":"HS256"' }),
        'whose header is a list': jwt(claims, { header: ['HS256'] }),
        'of 8 KB': jwt({ ...claims, more: 'x'.repeat(8000) }),
        'of one dot after another': '.'.repeat(100),
    };
    for (const [title, bad] of Object.entries(rows))
        test(`${title} is refused`, () => refused(me(`Bearer ${bad}`)));

    const strangers = {
        'an unknown user': randomUUID(), 'no UUID': 'admin', 'a number': 1, nobody: undefined,
    };
    for (const [title, sub] of Object.entries(strangers)) {
        test(`of ${title} is refused`, async () => {
            assert.equal((await me(`Bearer ${jwt({ ...claims, sub })}`)).status, 401);
        });
    }

    test('does not make an admin by what it says about roles', async () => {
        const boasting = jwt({ ...claims, roles: ['user', 'admin'] });
        assert.equal((await cuib.get('/users', { token: boasting })).status, 403);
    });

    test('is found behind `Bearer` in any case and with any blanks', async () => {
        for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ', 'Bearer\t'])
            assert.equal((await me(`${scheme}${token}`)).status, 200, scheme);
        assert.equal((await me(`Bearer ${token} and more`)).status, 200);
    });

    test('is not found anywhere else', async () => {
        for (const before of ['', 'Basic ', 'JWT ', 'Bearer: ', 'x Bearer ', 'Bearer "'])
            await refused(me(before + token));
        for (const value of ['Bearer', 'Bearer ', undefined]) await refused(me(value));
        await refused(cuib.get(`/auth/me?access_token=${token}`));
        await refused(cuib.get('/auth/me', { headers: { Cookie: `access_token=${token}` } }));
    });

    test('dies when JWT_EXPIRES_IN is over', async () => {
        const brief = await start({ JWT_EXPIRES_IN: '1s' });
        const mine = await brief.token(admin.email, admin.password);
        const status = async () => (await brief.get('/auth/me', { token: mine })).status;
        await until('the token to expire', async () => (await status()) === 401, 3000);
        assert.ok(Date.now() / 1000 >= claimsOf(mine).exp);
        await brief.stop();
    });
});

describe('who may do what:', { concurrency: true }, () => {
    const roles = ['anonymous', 'self', 'other', 'admin'];
    const rows = [
        //                                               anonymous self other admin
        ['POST', () => '/users', () => someone(),            [201, 201, 201, 201]],
        ['GET', () => '/auth/me', null,                      [401, 200, 200, 200]],
        ['GET', ({ id }) => `/users/${id}`, null,            [401, 200, 403, 200]],
        ['GET', () => '/users', null,                        [401, 403, 403, 200]],
        ['GET', () => '/users?limit=0', null,                [401, 403, 403, 400]],
        ['GET', ({ email }) => `/users?email=${email}`, null, [401, 403, 403, 200]],
        ['PUT', ({ id }) => `/users/${id}`, () => ({ name: 'Maria' }), [401, 200, 403, 200]],
        ['PUT', ({ id }) => `/users/${id}`, () => ({ roles: ['user'] }), [401, 403, 403, 200]],
        ['PUT', ({ id }) => `/users/${id}`, () => ({ isActive: true }), [401, 403, 403, 200]],
        ['DELETE', ({ id }) => `/users/${id}`, null,         [401, 204, 403, 204]],
        ['GET', () => `/users/${randomUUID()}`, null,        [401, 403, 403, 404]],
        ['DELETE', () => `/users/${randomUUID()}`, null,     [401, 403, 403, 404]],
    ];
    for (const [method, target, body, statuses] of rows) {
        const shown = target({ id: ':id', email: ':email' }).replace(/[0-9a-f-]{36}/, 'unknown');
        test(`${method} ${shown} ${body ? Object.keys(body()) : ''}`, async () => {
            for (const [i, role] of roles.entries()) {
                const self = await cuib.member();
                const other = await cuib.member();
                const token = [undefined, self.token, other.token, await cuib.admin()][i];
                const send = cuib[method.toLowerCase()];
                const answer = await send(target(self), { token, body: body?.() });
                assert.equal(answer.status, statuses[i], `${role}: ${answer.text}`);
            }
        });
    }
});

describe('guessing', { concurrency: true }, () => {
    async function guess(spelling) {
        for (let tries = 1; tries < 60; tries++) {
            const answer = await cuib.login(spelling(tries), `wrong password ${tries}`);
            if (answer.status === 429) return { tries, answer };
            assert.equal(answer.status, 401, answer.text);
        }
        return assert.fail('59 guesses were answered 401');
    }

    test("one account's password meets 429, while others still log in", async () => {
        const victim = await cuib.register();
        const { tries, answer } = await guess(() => victim.email);
        assert.ok(tries > 3 && tries <= 30, `${tries} tries`);
        assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
        assert.equal(answer.json.statusCode, 429);
        assert.equal((await cuib.login(victim.email)).status, 429, 'the right password helps');
        assert.equal((await cuib.login((await cuib.register()).email)).status, 200);
    });

    test('is the same for an address that nobody has', async () => {
        const stranger = freshEmail();
        const known = await cuib.register();
        assert.equal((await guess(() => stranger)).tries, (await guess(() => known.email)).tries);
    });

    test('is not helped by writing the address in another case', async () => {
        const { email } = await cuib.register();
        const letter = email.search(/[a-z]/);
        const capital = email[letter].toUpperCase();
        const other = email.slice(0, letter) + capital + email.slice(letter + 1);
        const { tries } = await guess((n) => (n % 2 ? email : other));
        assert.ok(tries <= 30, `${tries} tries`);
    });
});

test('many logins at once do not hold up other requests', async () => {
    const busy = await start({ BCRYPT_COST: 11 });
    let done = false;
    const logins = Promise.all(Array.from({ length: 12 }, () => busy.login(freshEmail())))
        .finally(() => { done = true; });
    const times = [];
    while (!done) {
        const begin = performance.now();
        assert.equal((await busy.get('/health/live')).status, 200);
        times.push(performance.now() - begin);
    }
    for (const { status } of await logins) assert.ok([401, 503].includes(status), status);
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1];
    assert.ok(times.length >= 10 && median < 50, `median of ${times.length}: ${median} ms`);
    await busy.stop();
});

test('a wrong password takes as long as an unknown address', async () => {
    const slow = await start({ BCRYPT_COST: 9 });
    const emails = [];
    for (let i = 0; i < 20; i++) emails.push((await slow.register()).email);
    const timed = async (email) => {
        const begin = process.hrtime.bigint();
        assert.equal((await slow.login(email, 'a wrong password')).status, 401);
        return Number(process.hrtime.bigint() - begin) / 1e6;
    };
    const known = [], unknown = [];
    for (const email of emails) {
        known.push(await timed(email));
        unknown.push(await timed(freshEmail()));
    }
    const median = (list) => list.sort((a, b) => a - b)[list.length / 2];
    const ratio = median(known) / median(unknown);
    assert.ok(ratio > 0.5 && ratio < 2, `${median(known)} ms and ${median(unknown)} ms`);
    await slow.stop();
});

test('without JWT_SECRET one is made, for its owner alone, and used again later', async () => {
    const directory = temporaryDirectory();
    const settings = { JWT_SECRET: undefined, CUIB_DATA_DIR: directory };
    const first = await start(settings);
    const token = await first.token(admin.email, admin.password);
    await first.stop();
    const all = readdirSync(directory, { recursive: true });
    const files = all.filter((name) => /secret/i.test(name));
    assert.equal(files.length, 1, String(files));
    assert.equal(statSync(path.join(directory, files[0])).mode & 0o777, 0o600);
    const second = await start(settings);
    assert.equal((await second.get('/auth/me', { token })).status, 200);
    await second.stop();
    const stranger = await start({ JWT_SECRET: undefined });
    assert.equal((await stranger.get('/auth/me', { token })).status, 401);
    await stranger.stop();
});
