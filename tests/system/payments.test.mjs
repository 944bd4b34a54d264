// Payments that do not go as planned: no answer, two answers, a process that dies in between.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { finished, paymentKeys, start, temporaryDirectory, until, uuid } from './support.mjs';

const CUIB_DATA_DIR = temporaryDirectory();
const impatient = { PAYMENT_TIMEOUT_MS: 300, PAYMENT_RETRY_MS: 50 };
const cuib = await start({ CUIB_DATA_DIR, ...impatient });
after(() => cuib.stop());

const ana = await cuib.member();
const read = async ({ id }, on = cuib, user = ana) =>
    (await on.get(`/orders/${id}`, { token: user.token })).json;
const payments = async ({ id }, on = cuib, user = ana) =>
    (await on.get(`/orders/${id}/events`, { token: user.token })).json
        .filter(({ type }) => type === 'payment.processed').map(({ data }) => data);
const becomes = (status, order, on = cuib, user = ana) => until(`the order to be ${status}`,
    async () => (await read(order, on, user)).status === status);
const running = '{"message":"A payment of this order is still being processed","error":"Conflict","statusCode":409}';

describe('a payment', { concurrency: true }, () => {
    test('is answered with exactly these members', async () => {
        const order = await cuib.order(ana);
        const answer = await cuib.pay(ana, order);
        const payment = answer.json;
        assert.equal(answer.status, 201, answer.text);
        assert.deepEqual(Object.keys(payment), paymentKeys);
        assert.match(payment.id, uuid);
        assert.equal(payment.orderId, order.id);
        assert.equal(payment.amount, order.total);
        assert.equal(payment.currency, 'RON');
        assert.equal(payment.status, 'SUCCESS');
        const [event] = await payments(order);
        assert.deepEqual([event.paymentId, event.amount, event.status],
            [payment.id, order.total, 'SUCCESS']);
        assert.match(event.processedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    test('that is declined leaves the order PENDING, and can be tried again', async () => {
        const order = await cuib.order(ana);
        for (let i = 0; i < 3; i++) {
            const answer = await cuib.pay(ana, order, 'tok_declined');
            assert.equal(answer.status, 201);
            assert.equal(answer.json.status, 'FAILED');
            assert.equal((await read(order)).status, 'PENDING');
        }
        assert.equal((await cuib.pay(ana, order, 'tok_nobody_knows')).json.status, 'FAILED');
        assert.equal((await cuib.pay(ana, order)).json.status, 'SUCCESS');
        assert.deepEqual((await payments(order)).map(({ status }) => status),
            ['FAILED', 'FAILED', 'FAILED', 'FAILED', 'SUCCESS']);
    });

    test('of an order that is paid is 409', async () => {
        const order = await cuib.order(ana);
        await cuib.pay(ana, order);
        const answer = await cuib.pay(ana, order);
        assert.equal(answer.status, 409);
        assert.equal(answer.json.error, 'Conflict');
        assert.equal((await payments(order)).length, 1);
    });

    test('sent 20 times at once without a key takes the money once', async () => {
        const order = await cuib.order(ana);
        const all = await Promise.all(Array.from({ length: 20 }, () => cuib.pay(ana, order)));
        const statuses = all.map(({ status }) => status);
        assert.equal(statuses.filter((status) => status === 201).length, 1);
        assert.ok(statuses.every((status) => status === 201 || status === 409));
        assert.equal((await payments(order)).length, 1);
    });

    test('needs a token', async () => {
        const order = await cuib.order(ana);
        for (const body of [{}, { paymentToken: '' }, { paymentToken: 7 }, { paymentToken: 'x'.repeat(201) }])
            assert.equal((await cuib.post(`/orders/${order.id}/payments`, { token: ana.token, body })).status, 400);
    });
});

describe('a provider', { concurrency: true }, () => {
    for (const [token, status] of [['tok_timeout', 'SUCCESS'], ['tok_timeout_declined', 'FAILED']])
        test(`that does not answer in time is asked again: ${token} ends in ${status}`, async () => {
            const user = await cuib.member();
            const order = await cuib.order(user);
            const pay = () => cuib.pay(user, order, token, { 'Idempotency-Key': 'late' });
            const answer = await pay();
            assert.equal(answer.status, 504, answer.text);
            assert.ok(Number(answer.headers['retry-after']) > 0);
            const paid = await until('the outcome to be known', async () => {
                const again = await pay();
                if (again.status === 201) return again;
                assert.equal(again.status, 409, again.text);
                assert.ok(Number(again.headers['retry-after']) > 0);
            });
            assert.equal(paid.json.status, status);
            assert.equal(paid.headers['idempotency-replayed'], 'true');
            assert.equal((await payments(order, cuib, user)).length, 1);
            assert.equal((await read(order, cuib, user)).status, status === 'SUCCESS' ? 'PAID' : 'PENDING');
        });

    test('that has not answered yet keeps the order from being changed', async () => {
        const slow = await start({ PAYMENT_TIMEOUT_MS: 300, PAYMENT_RETRY_MS: 3000 });
        const user = await slow.member();
        const order = await slow.order(user);
        assert.equal((await slow.pay(user, order, 'tok_timeout')).status, 504);
        const put = { token: await slow.admin(), body: { status: 'PAID' } };
        for (const answer of [
            await slow.pay(user, order), await slow.put(`/orders/${order.id}/status`, put),
            await slow.post(`/orders/${order.id}/cancel`, { token: user.token }),
        ]) {
            assert.equal(answer.text, running);
            assert.ok(Number(answer.headers['retry-after']) > 0);
        }
        await becomes('PAID', order, slow, user);
        assert.equal((await slow.post(`/orders/${order.id}/cancel`, { token: user.token })).status, 200);
        await slow.stop();
    });

    test('that answers twice takes the money once', async () => {
        const order = await cuib.order(ana);
        assert.equal((await cuib.pay(ana, order, 'tok_twice')).json.status, 'SUCCESS');
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.equal((await payments(order)).length, 1);
        assert.equal((await read(order)).version, 3);
    });

    test('whose answer nobody waits for any more is heard all the same', async () => {
        const order = await cuib.order(ana);
        const gone = new AbortController();
        const sent = fetch(`http://127.0.0.1:${cuib.port}/orders/${order.id}/payments`, {
            method: 'POST', signal: gone.signal, body: '{"paymentToken":"tok_timeout"}',
            headers: { Authorization: `Bearer ${ana.token}`, 'Content-Type': 'application/json' },
        });
        setTimeout(() => gone.abort(), 100);
        await assert.rejects(sent);
        await becomes('PAID', order);
    });
});

test('kill -9 at any time of a payment leaves an order whose money and status agree', async () => {
    const settings = { CUIB_DATA_DIR: temporaryDirectory(), ...impatient };
    const orders = [];
    let user;
    for (let round = 0; round < 12; round++) {
        const run = await start(settings);
        user ??= await run.member();
        const order = await run.order(user);
        orders.push(order);
        const token = round % 3 ? 'tok_success' : 'tok_timeout';
        const sent = run.pay(user, order, token).catch(() => null);
        await new Promise((resolve) => setTimeout(resolve, round * 2));
        await run.kill();
        await sent;
    }
    const run = await start(settings);
    for (const order of orders) {
        const now = await until('an end', async () => {
            const answer = await run.post(`/orders/${order.id}/cancel`, { token: user.token });
            return answer.status === 200 && answer.json;
        });
        assert.equal(now.status, 'CANCELLED');
        const paid = (await payments(order, run, user)).filter(({ status }) => status === 'SUCCESS');
        assert.ok(paid.length <= 1);
    }
    await run.stop();
    const { code, stdout } = await finished(['verify'], settings);
    assert.equal(code, 0, stdout);
});

test('all payments agree with their orders', async () => {
    const { code, stdout } = await finished(['verify'], { CUIB_DATA_DIR });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^0 problems$/m);
});
