// Idempotency-Key: a request that is sent again gets the first answer, and its effect happens once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { anOrder, item, start, temporaryDirectory } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const place = (user, key, body = anOrder(), on = cuib) =>
    on.post('/orders', { token: user.token, body, headers: { 'Idempotency-Key': key } });
const replayed = ({ headers }) => headers['idempotency-replayed'];
const ordersOf = async (user, on = cuib) =>
    (await on.get('/orders?limit=100', { token: user.token })).json.items;

describe('the same key', { concurrency: true }, () => {
    test('with the same body gives the first answer again, and says so', async () => {
        const user = await cuib.member();
        const first = await place(user, 'a');
        const again = await place(user, 'a');
        assert.equal(first.status, 201);
        assert.equal(replayed(first), undefined);
        assert.equal(again.status, 201);
        assert.equal(replayed(again), 'true');
        assert.equal(again.text, first.text);
        assert.equal((await ordersOf(user)).length, 1);
    });

    test('gives the first answer, also when the order has changed since', async () => {
        const user = await cuib.member();
        const first = await place(user, 'a');
        await cuib.post(`/orders/${first.json.id}/cancel`, { token: user.token });
        assert.equal((await place(user, 'a')).text, first.text);
        assert.equal((await ordersOf(user))[0].status, 'CANCELLED');
    });

    test('with a body that is only written differently is the same request', async () => {
        const user = await cuib.member();
        const { items, shippingAddress, paymentMethod } = anOrder();
        const first = await place(user, 'a', { items, shippingAddress, paymentMethod });
        const other = await place(user, 'a', JSON.stringify({ paymentMethod, shippingAddress, items }, null, 4));
        assert.equal(other.text, first.text);
        assert.equal(replayed(other), 'true');
    });

    test('with another body is 422', async () => {
        const user = await cuib.member();
        await place(user, 'a');
        const other = await place(user, 'a', { ...anOrder(), items: [item(1)] });
        assert.equal(other.status, 422, other.text);
        assert.equal(other.text, '{"message":"Idempotency-Key was used for another request already",' +
            '"error":"Unprocessable Entity","statusCode":422}');
        assert.equal((await ordersOf(user)).length, 1);
    });

    test('of another user is another key', async () => {
        const [one, two] = [await cuib.member(), await cuib.member()];
        const [a, b] = [await place(one, 'a'), await place(two, 'a')];
        assert.equal(b.status, 201);
        assert.notEqual(a.json.id, b.json.id);
        assert.equal(replayed(b), undefined);
    });

    test('of another route is another key', async () => {
        const user = await cuib.member();
        const { json: order } = await place(user, 'a');
        const payment = await cuib.pay(user, order, 'tok_success', { 'Idempotency-Key': 'a' });
        assert.equal(payment.status, 201);
        assert.equal(replayed(payment), undefined);
    });

    test('after a refusal is free: what had no effect is not kept', async () => {
        const user = await cuib.member();
        assert.equal((await place(user, 'a', { ...anOrder(), items: [] })).status, 400);
        const order = await place(user, 'a');
        assert.equal(order.status, 201);
        assert.equal(replayed(order), undefined);
    });

    test('sent 50 times at once makes one order', async () => {
        const user = await cuib.member();
        const all = await Promise.all(Array.from({ length: 50 }, () => place(user, 'a')));
        for (const answer of all) assert.ok([201, 409].includes(answer.status), answer.text);
        const made = all.filter(({ status }) => status === 201);
        assert.equal(new Set(made.map(({ text }) => text)).size, 1);
        assert.equal(made.filter((answer) => !replayed(answer)).length, 1);
        assert.equal((await ordersOf(user)).length, 1);
    });
});

test('without a key every request is a new one', async () => {
    const user = await cuib.member();
    await cuib.order(user);
    await cuib.order(user);
    assert.equal((await ordersOf(user)).length, 2);
});

test('a key has 1 to 255 visible characters', async () => {
    const user = await cuib.member();
    assert.equal((await place(user, 'k'.repeat(255))).status, 201);
    for (const key of ['k'.repeat(256), '', 'a b', '\xe4']) {
        const answer = await place(user, key);
        assert.equal(answer.status, 400, key);
        assert.equal(answer.json.error, 'Bad Request');
    }
    assert.equal((await ordersOf(user)).length, 1);
});

describe('a payment', { concurrency: true }, () => {
    const pay = (user, order, key, token = 'tok_success', on = cuib) =>
        on.pay(user, order, token, { 'Idempotency-Key': key });

    test('with the same key is made once', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        const first = await pay(user, order, 'p');
        const again = await pay(user, order, 'p');
        assert.equal(first.json.status, 'SUCCESS');
        assert.equal(again.text, first.text);
        assert.equal(replayed(again), 'true');
        assert.equal((await pay(user, order, 'q')).status, 409);
        assert.equal((await pay(user, order, 'p', 'tok_declined')).status, 422);
        assert.equal((await pay(user, await cuib.order(user), 'p')).status, 422);
    });

    test('that was declined is replayed as declined, and another key pays', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        const first = await pay(user, order, 'p', 'tok_declined');
        assert.equal(first.json.status, 'FAILED');
        assert.equal((await pay(user, order, 'p', 'tok_declined')).text, first.text);
        assert.equal((await pay(user, order, 'q')).json.status, 'SUCCESS');
    });
});

test('a key outlives kill -9 as its effect does', async () => {
    const settings = { CUIB_DATA_DIR: temporaryDirectory() };
    let user;
    for (let round = 0; round < 5; round++) {
        const key = randomUUID();
        let run = await start(settings);
        user ??= await run.member();
        const first = await place(user, key, anOrder(), run);
        await run.kill();
        run = await start(settings);
        const again = await place(user, key, anOrder(), run);
        assert.equal(again.text, first.text);
        assert.equal(replayed(again), 'true');
        assert.equal((await ordersOf(user, run)).length, round + 1);
        await run.kill();
    }
});
