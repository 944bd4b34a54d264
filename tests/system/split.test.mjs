// The gateway and the user service as processes of their own: over NestJS's wire everything is as it is
// within one process, and a peer that dies costs the calls that were under way, no more.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
    admin, freshEmail, someone, start, temporaryDirectory, unauthorized, until, userKeys,
} from './support.mjs';

const nobody = '00000000-0000-4000-8000-000000000000';
const unavailable =
    '{"message":"The user service is not available","error":"Service Unavailable","statusCode":503}';

/** The answers of both shapes to the same requests, without what cannot be the same. */
const comparable = ({ status, text }) => ({
    status,
    text: text
        .replace(/"(id|createdAt|updatedAt|nextCursor)":"[^"]*"/g, '"$1":""')
        .replace(/eyJ[\w.-]+/g, 'token'),
});

const gatewayTo = (addresses, settings = {}) =>
    start({ USER_SERVICE_HOST: addresses, ...settings }, ['gateway']);
const at = (service) => `127.0.0.1:${service.port}`;

/** Everything that can happen to a user, as answers. */
async function life(cuib) {
    const answers = [];
    const note = async (answer) => {
        answers.push(comparable(await answer));
        return answer;
    };
    const fields = { ...someone(), email: 'ana@example.com', profile: { firstName: 'Ștefania 😀' } };
    const { json: user } = await note(cuib.post('/users', { body: fields }));
    await note(cuib.post('/users', { body: fields }));
    await note(cuib.post('/users', { body: { email: 'x', password: 'short', extra: 1 } }));
    await note(cuib.post('/users', { body: '{' }));
    await note(cuib.login(fields.email, 'wrong password'));
    await note(cuib.login(fields.email));
    const token = await cuib.token(fields.email);
    const rest = { token };
    await note(cuib.get('/auth/me', rest));
    await note(cuib.get('/auth/me'));
    await note(cuib.get(`/users/${user.id}`, rest));
    await note(cuib.get(`/users/${nobody}`, rest));
    await note(cuib.put(`/users/${user.id}`, { ...rest, body: { name: 'Ana', profile: null } }));
    await note(cuib.put(`/users/${user.id}`, { ...rest, body: { email: admin.email } }));
    await note(cuib.put(`/users/${user.id}`, { ...rest, body: { name: '' } }));
    await note(cuib.put(`/users/${user.id}`, { ...rest, body: { password: 'another password' } }));
    await note(cuib.login(fields.email));
    await note(cuib.login(fields.email, 'another password'));
    const boss = { token: await cuib.admin() };
    await note(cuib.get(`/users/${nobody}`, boss));
    await note(cuib.get('/users/no-uuid', boss));
    await note(cuib.get('/users?email=ana@example.com', boss));
    await note(cuib.get('/users?email=nobody@example.com', boss));
    await note(cuib.get('/users?limit=1', boss));
    await note(cuib.get('/users?cursor=nonsense', boss));
    await note(cuib.put(`/users/${user.id}`, { ...boss, body: { roles: ['user', 'admin'] } }));
    await note(cuib.delete(`/users/${user.id}`, rest));
    await note(cuib.get('/auth/me', rest));
    await note(cuib.delete(`/users/${user.id}`, boss));
    return { answers, user };
}

test('a user\'s whole life is the same over the wire', async () => {
    const whole = await start();
    const user = await start({}, ['user']);
    const gateway = await gatewayTo(at(user));
    const inside = await life(whole);
    const outside = await life(gateway);
    assert.deepEqual(outside.answers, inside.answers);
    assert.deepEqual(Object.keys(outside.user), userKeys);
    assert.deepEqual(outside.answers.map(({ status }) => status), [
        201, 409, 400, 400, 401, 200, 200, 401, 200, 403, 200, 409, 400, 200, 401, 200,
        404, 400, 200, 404, 200, 400, 200, 204, 401, 404,
    ]);
    assert.equal(outside.answers.at(-2).text, unauthorized);
    await Promise.all([whole.stop(), gateway.stop(), user.stop()]);
});

test('guessing a password meets 429 with Retry-After over the wire, too', async () => {
    const user = await start({}, ['user']);
    const gateway = await gatewayTo(at(user));
    const { email } = await gateway.register();
    const refused = await until('a 429', async () => {
        const answer = await gateway.login(email, 'wrong password');
        return answer.status === 429 ? answer : null;
    });
    assert.ok(Number(refused.headers['retry-after']) > 0, JSON.stringify(refused.headers));
    await Promise.all([gateway.stop(), user.stop()]);
});

test('no user service at all is a 503, at once', async () => {
    const gateway = await gatewayTo('127.0.0.1:1');
    const begin = Date.now();
    const answer = await gateway.post('/users', { body: someone() });
    assert.equal(answer.status, 503);
    assert.equal(answer.text, unavailable);
    assert.ok(Date.now() - begin < 1000);
    await gateway.stop();
});

/** Sends requests, `width` at a time, until `stop()`, which gives all answers. */
function load(ask, width = 16) {
    const answers = [];
    let going = true;
    const one = async () => {
        while (going) {
            const sent = Date.now();
            const answer = await ask();
            answers.push({ sent, done: Date.now(), status: answer.status, text: answer.text });
        }
    };
    const all = Array.from({ length: width }, one);
    return {
        answers,
        async stop() {
            going = false;
            await Promise.all(all);
            return answers;
        },
    };
}

const settle = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a restart of the user service under load', () => {
    const typed = (answer) => {
        const body = JSON.parse(answer.text);
        assert.equal(body.statusCode, answer.status);
        assert.ok(body.message && body.error, answer.text);
    };
    const restart = async (end) => {
        const settings = { CUIB_DATA_DIR: temporaryDirectory() };
        let user = await start(settings, ['user']);
        settings.USER_SERVICE_PORT = user.port;
        const gateway = await gatewayTo(at(user));
        const token = await gateway.admin();
        const running = load(() => gateway.post('/users', { body: someone() }));
        await settle(500);
        const before = running.answers.length;
        const ended = Date.now();
        await end(user);
        user = await start(settings, ['user']);
        await settle(500);
        const answers = await running.stop();
        const failed = answers.filter(({ status }) => status !== 201);
        assert.ok(before > 50 && answers.length > before + 50, `${before} of ${answers.length}`);
        failed.forEach(typed);
        assert.equal((await gateway.get('/auth/me', { token })).status, 200);
        await Promise.all([gateway.stop(), user.stop()]);
        return { failed, ended };
    };
    test('killed: only calls under way fail, each with a typed error', async () => {
        const { failed, ended } = await restart((user) => user.kill());
        assert.ok(failed.length <= 16, JSON.stringify(failed));
        for (const { sent } of failed) assert.ok(sent <= ended + 100, JSON.stringify(failed));
    });
    test('stopped: no call fails', async () => {
        const { failed } = await restart((user) => user.stop());
        assert.deepEqual(failed, []);
    });
});

describe('two user services on one list of addresses', () => {
    const two = async () => {
        // Both on one store: what one has written the other reads.
        const settings = { CUIB_DATA_DIR: temporaryDirectory() };
        const services = [await start(settings, ['user']), await start(settings, ['user'])];
        const gateway = await gatewayTo(services.map(at).join(','));
        return { services, gateway, token: await gateway.admin() };
    };
    test('killing one fails one call in a hundred at most, and none after a second', async () => {
        const { services: [first, second], gateway, token } = await two();
        const running = load(() => gateway.get('/auth/me', { token }));
        await settle(500);
        const ended = Date.now();
        await first.kill();
        await settle(2000);
        const answers = await running.stop();
        const failed = answers.filter(({ status }) => status !== 200);
        const within = answers.filter(({ done }) => done >= ended && done < ended + 1000);
        assert.ok(within.length > 100, `${within.length} answers`);
        assert.ok(failed.length <= within.length / 100, JSON.stringify(failed));
        for (const { sent } of failed) assert.ok(sent < ended + 1000, JSON.stringify(failed));
        await Promise.all([gateway.stop(), second.stop()]);
    });
    test('stopping one fails none', async () => {
        const { services: [first, second], gateway } = await two();
        const running = load(() => gateway.post('/users', {
            body: { ...someone(), email: freshEmail() },
        }), 8);
        await settle(500);
        await first.stop();
        await settle(500);
        const answers = await running.stop();
        assert.ok(answers.length > 50);
        assert.deepEqual(answers.filter(({ status }) => status !== 201), []);
        await Promise.all([gateway.stop(), second.stop()]);
    });
});

test('a user service that hangs is a 504 within its two seconds', async () => {
    const user = await start({}, ['user']);
    const gateway = await gatewayTo(at(user));
    const token = await gateway.admin();
    process.kill(user.pid, 'SIGSTOP');
    const begin = Date.now();
    const answer = await gateway.get('/auth/me', { token });
    process.kill(user.pid, 'SIGCONT');
    assert.equal(answer.status, 504);
    assert.deepEqual(answer.json, {
        message: 'The user service did not answer within 2000 ms',
        error: 'Gateway Timeout',
        statusCode: 504,
    });
    assert.ok(Date.now() - begin < 4000);
    await until('it answers again', async () =>
        (await gateway.get('/auth/me', { token })).status === 200);
    await Promise.all([gateway.stop(), user.stop()]);
});
