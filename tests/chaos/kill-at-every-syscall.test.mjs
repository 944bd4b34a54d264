// kill -9 at the system calls that an order and a payment lead to (all of them with KILL_SAMPLE=all): what the request
// does is there as a whole or not at all, what was answered is there, and the request can be sent again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anOrder, until } from '../system/support.mjs';
import { walk } from './walk.mjs';

const key = { 'Idempotency-Key': 'once' };
const replayed = ({ headers }) => headers['idempotency-replayed'] === 'true';
const created = ['order.created'];
const paid = ['order.created', 'payment.processed', 'order.statusChanged'];

async function read(cuib, { token }, target) {
    const answer = await cuib.get(target, { token });
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
}

// The order as its events, its row and its user have it, which must agree.
async function whole(cuib, user, id, types) {
    const events = await read(cuib, user, `/orders/${id}/events`);
    assert.deepEqual(events.map(({ type }) => type), types);
    const order = await read(cuib, user, `/orders/${id}`);
    assert.equal(order.version, types.length);
    assert.deepEqual(await read(cuib, user, `/orders/${id}?version=${types.length}`), order);
    assert.deepEqual((await read(cuib, user, '/orders')).items, [order]);
    await until('the user to hear of the order', async () => {
        const { orders } = await read(cuib, user, `/users/${user.id}`);
        assert.ok(orders.length <= 1);
        return orders[0]?.id === id && orders[0].status === order.status;
    });
    return { order, events };
}

const ordering = {
    name: 'POST /orders',
    prepare: async (cuib) => ({ user: await cuib.member(), other: await cuib.member() }),
    warmUp: (cuib, { other }) => cuib.order(other),
    send: (cuib, { user: { token } }) => cuib.post('/orders', { token, body: anOrder(), headers: key }),
    async check(cuib, known, acknowledged) {
        const { user } = known;
        const [before, ...more] = (await read(cuib, user, '/orders')).items;
        assert.deepEqual(more, []);
        if (before) await whole(cuib, user, before.id, created);
        if (acknowledged) assert.deepEqual(before, acknowledged.json);
        const answer = await this.send(cuib, known);
        assert.equal(answer.status, 201, answer.text);
        assert.equal(replayed(answer), before !== undefined);
        if (before) assert.deepEqual(answer.json, before);
        const { order } = await whole(cuib, user, answer.json.id, created);
        assert.deepEqual(order, answer.json);
        return before ? 'all' : 'none';
    },
};

const paying = {
    name: 'POST /orders/:id/payments',
    // Soon asked about again, but seldom enough that this hardly gets between the calls that are counted.
    settings: { PAYMENT_TIMEOUT_MS: 100, PAYMENT_RETRY_MS: 300 },
    async prepare(cuib) {
        const [user, other] = [await cuib.member(), await cuib.member()];
        return { user, other, order: await cuib.order(user), another: await cuib.order(other) };
    },
    warmUp: (cuib, { other, another }) => cuib.pay(other, another),
    send: (cuib, { user, order }) => cuib.pay(user, order, 'tok_success', key),
    // Written down but not settled, it is a 409 until the system has asked the provider again.
    async check(cuib, known, acknowledged) {
        const { user, order: { id } } = known;
        const before = (await read(cuib, user, `/orders/${id}`)).status;
        await whole(cuib, user, id, before === 'PAID' ? paid : created);
        if (acknowledged) assert.equal(before, 'PAID');
        let pending = false;
        const answer = await until('an outcome', async () => {
            const again = await this.send(cuib, known);
            if (again.status === 201) return again;
            assert.equal(again.status, 409, again.text);
            assert.ok(again.headers['retry-after'] > 0);
            assert.equal(before, 'PENDING');
            pending = true;
        });
        assert.equal(replayed(answer), pending || before === 'PAID');
        assert.equal(answer.json.status, 'SUCCESS');
        if (acknowledged) assert.deepEqual(answer.json, acknowledged.json);
        const { order, events } = await whole(cuib, user, id, paid);
        assert.equal(order.status, 'PAID');
        assert.equal(events[1].data.status, 'SUCCESS');
        assert.equal(events[1].data.paymentId, answer.json.id);
        return before === 'PAID' ? 'all' : pending ? 'written down, then paid' : 'none';
    },
};

for (const operation of [ordering, paying])
    test(`kill -9 at the system calls of ${operation.name} leaves all of it or nothing`, async () => {
        const rows = await walk(operation);
        assert.equal(rows[0].found, 'none');
        assert.equal(rows.at(-1).found, 'all');
    });
