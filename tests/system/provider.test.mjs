// A payment provider that is somewhere else: what it is asked, and what its answers and silences mean.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe, test } from 'node:test';
import { finished, start, temporaryDirectory, until, uuid } from './support.mjs';

// Does what the token says, and remembers every request: {path, key, authorization, body}.
const asked = [];
const outcomes = new Map(); // by Idempotency-Key: how often it was asked
const say = (answer, status, body) => {
    answer.writeHead(status, { 'Content-Type': 'application/json' });
    answer.end(body);
};
const accepted = (answer) => say(answer, 201, '{"status":"accepted","more":1}');
const tokens = {
    ok: accepted,
    declined: (answer) => say(answer, 200, '{"status":"declined"}'),
    402: (answer) => say(answer, 402, 'no'),
    flaky: (answer, times) => (times < 3 ? say(answer, 503, 'later') : accepted(answer)),
    reset: (answer, times) => (times < 2 ? answer.destroy() : accepted(answer)),
    silent: (answer, times) => times > 1 && accepted(answer),
    garbage: (answer, times) => (times < 5 ? say(answer, 200, '{"status":"perhaps"}') : accepted(answer)),
    large: (answer, times) => (times < 5 ? say(answer, 200, 'x'.repeat(1_000_000)) : accepted(answer)),
    down: (answer) => say(answer, 500, ''),
};
const provider = http.createServer(async (request, answer) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text);
    const key = request.headers['idempotency-key'];
    const times = (outcomes.get(key) ?? 0) + 1;
    outcomes.set(key, times);
    asked.push({ path: request.url, key, authorization: request.headers.authorization, body });
    tokens[body.paymentToken ?? 'ok'](answer, times);
});
await new Promise((resolve) => provider.listen(0, '127.0.0.1', resolve));
after(() => { provider.closeAllConnections(); provider.close(); });

const CUIB_DATA_DIR = temporaryDirectory();
const settings = {
    PAYMENT_URL: `http://127.0.0.1:${provider.address().port}/v1/`, PAYMENT_API_KEY: 'sesame',
    PAYMENT_TIMEOUT_MS: 500, PAYMENT_RETRY_MS: 50,
};
const cuib = await start({ CUIB_DATA_DIR, ...settings });
after(() => cuib.stop());

const ana = await cuib.member();
const askedAbout = ({ id }) => asked.filter(({ body }) => body.orderId === id);
const statusOf = async ({ id }, on = cuib, user = ana) =>
    (await on.get(`/orders/${id}`, { token: user.token })).json.status;

describe('a charge', () => {
    test('tells the provider what it must know, and nothing else', async () => {
        const order = await cuib.order(ana);
        const payment = (await cuib.pay(ana, order, 'ok')).json;
        assert.equal(payment.status, 'SUCCESS');
        assert.deepEqual(askedAbout(order), [{
            path: '/v1/charges', key: payment.id, authorization: 'Bearer sesame',
            body: { id: payment.id, orderId: order.id, amount: 99.9, currency: 'RON', paymentToken: 'ok' },
        }]);
        assert.match(payment.id, uuid);
    });

    for (const [token, status, times] of [
        ['declined', 'FAILED', 1], ['402', 'FAILED', 1], ['flaky', 'SUCCESS', 3], ['reset', 'SUCCESS', 2],
    ])
        test(`of the token ${token} is ${status} after ${times} questions of one key`, async () => {
            const order = await cuib.order(ana);
            const answer = await cuib.pay(ana, order, token);
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.status, status);
            assert.deepEqual(askedAbout(order).map(({ key }) => key), Array(times).fill(answer.json.id));
            assert.equal(await statusOf(order), status === 'SUCCESS' ? 'PAID' : 'PENDING');
        });

    for (const token of ['silent', 'garbage', 'large'])
        test(`of the token ${token} has no outcome at first, and one in the end`, async () => {
            const order = await cuib.order(ana);
            assert.equal((await cuib.pay(ana, order, token)).status, 504);
            await until('the order to be paid', async () => await statusOf(order) === 'PAID');
            assert.equal(new Set(askedAbout(order).map(({ key }) => key)).size, 1);
        });
});

test('a refund names the charge that it gives back', async () => {
    const order = await cuib.order(ana);
    const payment = (await cuib.pay(ana, order, 'ok')).json;
    assert.equal((await cuib.post(`/orders/${order.id}/cancel`, { token: ana.token })).status, 200);
    const refund = await until('the refund', () => askedAbout(order)[1]);
    assert.equal(refund.path, '/v1/refunds');
    assert.equal(refund.body.chargeId, payment.id);
    assert.equal(refund.body.amount, order.total);
    assert.equal(refund.key, refund.body.id);
    assert.notEqual(refund.key, payment.id);
});

test('a provider that fails on and on is left alone for a while', async () => {
    const own = await start({ ...settings, PAYMENT_RETRY_MS: 60_000 });
    const user = await own.member();
    const orders = [];
    for (let i = 0; i < 8; i++) orders.push(await own.order(user));
    for (const order of orders) assert.equal((await own.pay(user, order, 'down')).status, 504);
    const questions = orders.flatMap(askedAbout).length;
    assert.ok(questions <= 5, `${questions} questions`);
    await own.stop();
});

test('a provider that is not there leaves orders PENDING, and pays them when it comes', async () => {
    const data = { CUIB_DATA_DIR: temporaryDirectory() };
    const before = await start({ ...data, ...settings, PAYMENT_URL: 'http://127.0.0.1:1' });
    const user = await before.member();
    const order = await before.order(user);
    assert.equal((await before.pay(user, order, 'ok')).status, 504);
    assert.equal(await statusOf(order, before, user), 'PENDING');
    await before.stop();
    const later = await start({ ...data, ...settings });
    await until('the order to be paid', async () => await statusOf(order, later, user) === 'PAID');
    await later.stop();
});

test('an address that is none ends the start', async () => {
    const { code, stderr } = await finished(['up'], { PAYMENT_URL: 'ftp://example.com' });
    assert.ok(code > 0);
    assert.match(stderr, /PAYMENT_URL/);
});

test('the store agrees with itself', async () => {
    const { code, stdout } = await finished(['verify'], { CUIB_DATA_DIR });
    assert.equal(code, 0, stdout);
});
