// Users, from registering to deleting.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { freshEmail, password, someone, start, userKeys, uuid } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const taken =
    '{"message":"User with this email already exists","error":"Conflict","statusCode":409}';
const forbidden = '{"message":"Forbidden resource","error":"Forbidden","statusCode":403}';
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const count = (list, value) => list.filter((item) => item === value).length;

describe('registering', { concurrency: true }, () => {
    test('answers 201 and the user, with exactly these members', async () => {
        const fields = { ...someone(), profile: { firstName: 'Ana', language: 'ro' } };
        const answer = await cuib.post('/users', { body: fields });
        const user = answer.json;
        assert.equal(answer.status, 201);
        assert.deepEqual(Object.keys(user), userKeys);
        assert.match(user.id, uuid);
        assert.equal(user.email, fields.email);
        assert.equal(user.name, fields.name);
        assert.equal(user.isActive, true);
        assert.deepEqual(user.roles, ['user']);
        assert.deepEqual(user.profile, fields.profile);
        assert.match(user.createdAt, instant);
        assert.match(user.updatedAt, instant);
        assert.ok(Math.abs(Date.parse(user.createdAt) - Date.now()) < 60_000, user.createdAt);
    });

    test('shows no password and no hash, here or anywhere else', async () => {
        const user = await cuib.member();
        const admin = await cuib.admin();
        const texts = [JSON.stringify(user)];
        for (const target of ['/auth/me', `/users/${user.id}`])
            texts.push((await cuib.get(target, { token: user.token })).text);
        for (const target of ['/users', `/users?email=${user.email}`])
            texts.push((await cuib.get(target, { token: admin })).text);
        const change = { token: user.token, body: { password } };
        texts.push((await cuib.put(`/users/${user.id}`, change)).text);
        for (const text of texts) {
            assert.doesNotMatch(text, /\$2[aby]\$|password|hash/i);
            assert.ok(!text.includes(password));
        }
    });

    test('an address that is registered already answers 409', async () => {
        const { email } = await cuib.register();
        const answer = await cuib.post('/users', { body: { ...someone(), email } });
        assert.equal(answer.status, 409);
        assert.equal(answer.text, taken);
    });

    test('addresses that differ in case only are one account', async () => {
        const email = freshEmail();
        const user = await cuib.register({ email: `Ana.${email}` });
        const other = `aNA.${email.toUpperCase()}`;
        const answer = await cuib.post('/users', { body: { ...someone(), email: other } });
        assert.equal(answer.text, taken);
        assert.equal((await cuib.login(other)).status, 200);
        const found = await cuib.get(`/users?email=${other}`, { token: await cuib.admin() });
        assert.equal(found.json.id, user.id);
    });

    test('64 at once with one address make one user', async () => {
        const body = someone();
        const posts = Array.from({ length: 64 }, () => cuib.post('/users', { body }));
        const all = await Promise.all(posts);
        const statuses = all.map((answer) => answer.status);
        assert.equal(count(statuses, 201), 1, String(statuses));
        assert.equal(count(statuses, 409), 63, String(statuses));
        assert.ok(all.every(({ status, text }) => status === 201 || text === taken));
    });

    test('keeps texts as they were given, in any script', async () => {
        const name = 'Ștefan 😀 "O\'Neil" \\ \u0001 \u2028 e\u0301';
        const { id, token, ...user } = await cuib.member({ name });
        assert.equal(user.name, name);
        assert.equal((await cuib.get(`/users/${id}`, { token })).json.name, name);
    });
});

describe('reading', { concurrency: true }, () => {
    test('/auth/me is the user of the token', async () => {
        const { token, ...user } = await cuib.member();
        const answer = await cuib.get('/auth/me', { token });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.json, user);
        assert.deepEqual(Object.keys(answer.json), userKeys);
    });

    test('/users/:id has the profile and the orders, for the user and for an admin', async () => {
        const { token, ...user } = await cuib.member({ profile: { phone: '+40721234567' } });
        for (const reader of [token, await cuib.admin()]) {
            const answer = await cuib.get(`/users/${user.id}`, { token: reader });
            assert.equal(answer.status, 200);
            assert.deepEqual(answer.json, { ...user, orders: [] });
        }
    });

    test('an id may be written in capitals', async () => {
        const { id } = await cuib.register();
        const answer = await cuib.get(`/users/${id.toUpperCase()}`, { token: await cuib.admin() });
        assert.equal(answer.status, 200);
        assert.equal(answer.json.id, id);
    });

    test('another user is forbidden, whether there is one or not', async () => {
        const { token } = await cuib.member();
        const { id } = await cuib.register();
        for (const target of [id, randomUUID()]) {
            const answer = await cuib.get(`/users/${target}`, { token });
            assert.equal(answer.status, 403);
            assert.equal(answer.text, forbidden);
        }
    });

    test('an unknown id is 404 for an admin, with every method', async () => {
        const options = { token: await cuib.admin() };
        const target = `/users/${randomUUID()}`;
        const all = [
            await cuib.get(target, options),
            await cuib.put(target, { ...options, body: { name: 'x' } }),
            await cuib.delete(target, options),
        ];
        for (const answer of all) {
            assert.equal(answer.status, 404, answer.text);
            assert.equal(answer.json.error, 'Not Found');
        }
        assert.equal(new Set(all.map(({ text }) => text)).size, 1);
    });

    test('an id that is not a UUID is 400', async () => {
        for (const id of ['1', 'me', '0'.repeat(32), `${randomUUID()}x`, '%00', "'%20or%201=1--"]) {
            const answer = await cuib.get(`/users/${id}`, { token: await cuib.admin() });
            assert.equal(answer.status, 400, id);
            assert.equal(answer.text, '{"message":"Validation failed (uuid is expected)",'
                + '"error":"Bad Request","statusCode":400}');
        }
    });
});

describe('changing', { concurrency: true }, () => {
    const put = ({ id, token }, body) => cuib.put(`/users/${id}`, { token, body });

    test('any field alone changes that field and no other', async () => {
        const profile = { firstName: 'Ana', phone: '0721' };
        const { token, ...user } = await cuib.member({ profile });
        const changes = [
            { name: 'Maria' }, { email: freshEmail() }, { profile: { language: 'en' } },
            { password: 'another one' },
        ];
        let expected = user;
        for (const change of changes) {
            const answer = await put({ id: user.id, token }, change);
            assert.equal(answer.status, 200, answer.text);
            assert.deepEqual(Object.keys(answer.json), userKeys);
            const { password: _, ...visible } = change;
            if (visible.profile) visible.profile = answer.json.profile; // next test
            expected = { ...expected, ...visible, updatedAt: answer.json.updatedAt };
            assert.deepEqual(answer.json, expected);
            assert.deepEqual((await cuib.get('/auth/me', { token })).json, expected);
        }
        assert.ok(expected.updatedAt > user.updatedAt);
    });

    test('a profile that is given is the profile', async () => {
        const user = await cuib.member();
        const profile = { firstName: 'Ana', lastName: 'Pop', phone: '0721234567', language: 'en' };
        assert.deepEqual((await put(user, { profile })).json.profile, profile);
        assert.deepEqual((await cuib.get('/auth/me', user)).json.profile, profile);
    });

    test('an empty object changes nothing and answers 200', async () => {
        const { token, ...user } = await cuib.member();
        const answer = await put({ id: user.id, token }, {});
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual({ ...answer.json, updatedAt: user.updatedAt }, user);
    });

    test("another user's address answers 409, one's own does not", async () => {
        const user = await cuib.member();
        const other = await cuib.register();
        for (const email of [other.email, other.email.toUpperCase()])
            assert.equal((await put(user, { email })).text, taken);
        assert.equal((await put(user, { email: user.email })).status, 200);
        assert.equal((await put(user, { email: user.email.toUpperCase() })).status, 200);
    });

    test('of eight users who take one address at once, one gets it', async () => {
        const users = await Promise.all(Array.from({ length: 8 }, () => cuib.member()));
        const email = freshEmail();
        const all = await Promise.all(users.map((user) => put(user, { email })));
        const statuses = all.map((answer) => answer.status);
        assert.equal(count(statuses, 200), 1, String(statuses));
        assert.equal(count(statuses, 409), 7, String(statuses));
    });

    test('after a change of password the new one logs in and the old one does not', async () => {
        const user = await cuib.member();
        assert.equal((await put(user, { password: 'a new password' })).status, 200);
        assert.equal((await cuib.login(user.email, 'a new password')).status, 200);
        assert.equal((await cuib.login(user.email)).status, 401);
    });

    test('a plain user may not write roles or isActive, nor anything beside them', async () => {
        const user = await cuib.member();
        const bodies = [{ roles: ['admin'] }, { isActive: true }, { name: 'x', roles: ['user'] }];
        for (const body of bodies) {
            const answer = await put(user, body);
            assert.equal(answer.status, 403, answer.text);
        }
        const { token, ...unchanged } = user;
        assert.deepEqual((await cuib.get('/auth/me', { token })).json, unchanged);
    });

    test('an admin writes roles, and the user then is an admin', async () => {
        const user = await cuib.register();
        const roles = ['user', 'admin'];
        const answer = await put({ id: user.id, token: await cuib.admin() }, { roles });
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.json.roles, roles);
        const token = await cuib.token(user.email);
        assert.equal((await cuib.get('/users', { token })).status, 200);
    });

    test('fields that are nobody\'s to write are refused', async () => {
        for (const token of [(await cuib.member()).token, await cuib.admin()]) {
            const { id } = (await cuib.get('/auth/me', { token })).json;
            for (const field of ['id', 'createdAt', 'updatedAt', 'passwordHash', 'orders']) {
                const answer = await put({ id, token }, { [field]: 'x' });
                assert.equal(answer.status, 400, answer.text);
                assert.deepEqual(answer.json.message, [`property ${field} should not exist`]);
            }
        }
    });
});

describe('leaving', { concurrency: true }, () => {
    test('a deleted user is gone: 204 without a body, and the account is none', async () => {
        const { id, email, token } = await cuib.member();
        const answer = await cuib.delete(`/users/${id}`, { token });
        assert.equal(answer.status, 204);
        assert.equal(answer.text, '');
        assert.equal(answer.headers['content-length'], undefined);
        assert.equal(answer.headers['content-type'], undefined);
        assert.equal((await cuib.get('/auth/me', { token })).status, 401);
        assert.equal((await cuib.delete(`/users/${id}`, { token })).status, 401);
        assert.equal((await cuib.login(email)).status, 401);
        assert.equal((await cuib.get(`/users/${id}`, { token: await cuib.admin() })).status, 404);
    });

    test('a deactivated user is out at once, and in again when reactivated', async () => {
        const { id, email, token } = await cuib.member();
        const activate = async (isActive) =>
            cuib.put(`/users/${id}`, { token: await cuib.admin(), body: { isActive } });
        assert.equal((await activate(false)).json.isActive, false);
        assert.equal((await cuib.get('/auth/me', { token })).status, 401);
        assert.equal((await cuib.login(email)).status, 401);
        assert.equal((await activate(true)).status, 200);
        assert.equal((await cuib.login(email)).status, 200);
    });
});
