// Orders: from the first item to delivery, their history, and who may see and do what.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import {
    address, anOrder, finished, item, orderKeys, start, temporaryDirectory, until, uuid,
} from './support.mjs';

const CUIB_DATA_DIR = temporaryDirectory();
const cuib = await start({ CUIB_DATA_DIR });
after(() => cuib.stop());

const ana = await cuib.member();
const bob = await cuib.member();
const admin = { token: await cuib.admin() };
const forbidden = '{"message":"Forbidden resource","error":"Forbidden","statusCode":403}';

const read = async ({ id }, user = ana, query = '') =>
    (await cuib.get(`/orders/${id}${query}`, { token: user.token })).json;
const history = async ({ id }, user = ana) =>
    (await cuib.get(`/orders/${id}/events`, { token: user.token })).json;
const put = (status, { id }, user = admin) =>
    cuib.put(`/orders/${id}/status`, { token: user.token, body: { status } });
const cancel = ({ id }, user = ana) => cuib.post(`/orders/${id}/cancel`, { token: user.token });

async function move(order, ...steps) {
    for (const status of steps) {
        const answer = await put(status, order);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json.status, status);
    }
}

describe('an order', { concurrency: true }, () => {
    test('is answered with 201 and exactly these members', async () => {
        const body = anOrder();
        const answer = await cuib.post('/orders', { token: ana.token, body });
        const order = answer.json;
        assert.equal(answer.status, 201, answer.text);
        assert.deepEqual(Object.keys(order), orderKeys);
        assert.match(order.id, uuid);
        assert.equal(order.userId, ana.id);
        assert.deepEqual(order.items, body.items);
        assert.deepEqual(order.shippingAddress, address);
        assert.equal(order.total, 99.9);
        assert.equal(order.currency, 'RON');
        assert.equal(order.paymentMethod, 'card');
        assert.equal(order.status, 'PENDING');
        assert.equal(order.version, 1);
        assert.equal(order.createdAt, order.updatedAt);
        assert.deepEqual(await read(order), order);
    });

    test('goes from PENDING to DELIVERED, and every step is in its history', async () => {
        const order = await cuib.order(ana);
        assert.equal((await cuib.pay(ana, order, 'tok_declined')).json.status, 'FAILED');
        assert.equal((await read(order)).status, 'PENDING');
        assert.equal((await cuib.pay(ana, order)).json.status, 'SUCCESS');
        await move(order, 'SHIPPED', 'DELIVERED');
        const refused = await cancel(order);
        assert.equal(refused.status, 409);
        assert.equal(refused.text, '{"message":"An order that is DELIVERED cannot become CANCELLED",' +
            '"error":"Conflict","statusCode":409}');

        const events = await history(order);
        assert.deepEqual(events.map(({ type }) => type), [
            'order.created', 'payment.processed', 'payment.processed', 'order.statusChanged',
            'order.statusChanged', 'order.statusChanged',
        ]);
        assert.deepEqual(events.map(({ version }) => version), [1, 2, 3, 4, 5, 6]);
        assert.deepEqual(events.map(({ actor }) => actor === ana.id), [true, true, true, true, false, false]);
        assert.deepEqual(events.slice(3).map(({ data }) => [data.previousStatus, data.newStatus]),
            [['PENDING', 'PAID'], ['PAID', 'SHIPPED'], ['SHIPPED', 'DELIVERED']]);
        const { orderId, items, total, createdAt } = events[0].data;
        assert.deepEqual({ orderId, items, total, createdAt },
            { orderId: order.id, items: order.items, total: order.total, createdAt: order.createdAt });
        for (const { id } of events) assert.match(id, uuid);
        assert.equal(new Set(events.map(({ id }) => id)).size, 6);
    });

    test('can be read as it was after each of its events', async () => {
        const order = await cuib.order(ana);
        await cuib.pay(ana, order);
        await move(order, 'SHIPPED');
        assert.deepEqual(await read(order, ana, '?version=1'), order);
        const statuses = [];
        for (const version of [1, 2, 3, 4]) {
            const then = await read(order, ana, `?version=${version}`);
            assert.equal(then.version, version);
            assert.deepEqual(Object.keys(then), orderKeys);
            statuses.push(then.status);
        }
        assert.deepEqual(statuses, ['PENDING', 'PENDING', 'PAID', 'SHIPPED']);
        assert.deepEqual(await read(order, ana, '?version=4'), await read(order));
        assert.equal((await read(order, ana, '?version=5')).statusCode, 404);
        for (const version of ['0', '-1', '1.5', 'x', ''])
            assert.equal((await read(order, ana, `?version=${version}`)).statusCode, 400, version);
    });

    test('takes no step but those of the table', async () => {
        const allowed = {
            PENDING: ['PAID', 'CANCELLED'], PAID: ['SHIPPED', 'CANCELLED'], SHIPPED: ['DELIVERED'],
            DELIVERED: [], CANCELLED: [],
        };
        const way = {
            PENDING: [], PAID: ['PAID'], SHIPPED: ['PAID', 'SHIPPED'],
            DELIVERED: ['PAID', 'SHIPPED', 'DELIVERED'], CANCELLED: ['CANCELLED'],
        };
        for (const from of Object.keys(allowed)) {
            for (const to of Object.keys(allowed)) {
                const order = await cuib.order(ana);
                await move(order, ...way[from]);
                const { status } = await put(to, order);
                assert.equal(status, allowed[from].includes(to) ? 200 : 409, `${from} -> ${to}`);
                assert.equal((await read(order)).version, way[from].length + (status === 200 ? 2 : 1));
            }
        }
    });

    test('is cancelled by its owner while it is PENDING or PAID', async () => {
        const pending = await cuib.order(ana);
        assert.equal((await cancel(pending)).json.status, 'CANCELLED');
        assert.equal((await cancel(pending)).status, 409);
        const paid = await cuib.order(ana);
        await cuib.pay(ana, paid);
        assert.equal((await cancel(paid)).json.status, 'CANCELLED');
        assert.equal((await cuib.pay(ana, paid)).status, 409);
    });

    test('of each payment method has a way to the end', async () => {
        for (const paymentMethod of ['card', 'bank_transfer', 'cash_on_delivery']) {
            const order = await cuib.order(ana, { paymentMethod });
            if (paymentMethod === 'card') await cuib.pay(ana, order);
            else await move(order, 'PAID');
            await move(order, 'SHIPPED', 'DELIVERED');
            assert.equal((await read(order)).status, 'DELIVERED');
        }
    });

    test('changed by many at once has one winner and no gap', async () => {
        const order = await cuib.order(ana);
        const answers = await Promise.all(Array.from({ length: 40 }, (_, i) =>
            i % 2 ? cancel(order) : put('PAID', order)));
        const won = answers.filter(({ status }) => status === 200).length;
        const events = await history(order);
        assert.ok(answers.every(({ status }) => status === 200 || status === 409));
        assert.equal(events.length, won + 1);
        assert.deepEqual(events.map(({ version }) => version), events.map((_, i) => i + 1));
    });
});

describe('a total', { concurrency: true }, () => {
    const totals = [
        [[item(0.1), item(0.2)], '0.3'],
        [[item(0.07, 100)], '7'],
        [[item(1.1, 3), item(2.2, 3)], '9.9'],
        [[item(19.99, 3)], '59.97'],
        [[item(4.35, 100)], '435'],
        [[item(0.01, 10000)], '100'],
        [Array(100).fill(item(1_000_000, 10_000)), '1000000000000'],
        [Array(100).fill(item(999_999.99, 9_999)), '999899990001'],
    ];
    for (const [items, expected] of totals)
        test(`is exact: ${items.length} of ${items[0].quantity} x ${items[0].price} is ${expected}`, async () => {
            const answer = await cuib.post('/orders', { token: ana.token, body: { ...anOrder(), items } });
            assert.equal(answer.status, 201, answer.text);
            assert.equal(/"total":([^,]+),/.exec(answer.text)[1], expected);
        });
});

describe('what is refused', { concurrency: true }, () => {
    const rows = [
        ['no items', { items: [] }, 'items must contain at least 1 elements'],
        ['101 items', { items: Array(101).fill(item()) }, 'items must contain no more than 100 elements'],
        ['items that are no list', { items: 'x' }, 'items must be an array'],
        ['a price of 0', { items: [item(0)] }, 'items.0.price must be a positive number'],
        ['a negative price', { items: [item(-1)] }, 'items.0.price must be a positive number'],
        ['a price above the limit', { items: [item(1_000_000.01)] },
            'items.0.price must not be greater than 1000000'],
        ['a price of three decimals', { items: [item(0.001)] },
            'items.0.price must be a number conforming to the specified constraints'],
        ['a price as text', { items: [item('1')] },
            'items.0.price must be a number conforming to the specified constraints'],
        ['no quantity', { items: [item(1, 0)] }, 'items.0.quantity must not be less than 1'],
        ['10,001 of one', { items: [item(1, 10_001)] }, 'items.0.quantity must not be greater than 10000'],
        ['half of one', { items: [item(1, 1.5)] }, 'items.0.quantity must be an integer number'],
        ['a name of 201 characters', { items: [{ ...item(), name: 'x'.repeat(201) }] },
            'items.0.name must be shorter than or equal to 200 characters'],
        ['an empty product', { items: [{ ...item(), productId: '' }] },
            'items.0.productId must be longer than or equal to 1 characters'],
        ['a country that is none', { shippingAddress: { ...address, country: 'XX' } },
            'shippingAddress.country must be a valid ISO31661 Alpha2 code'],
        ['no address', { shippingAddress: undefined }, 'shippingAddress should not be null or undefined'],
        ['an empty street', { shippingAddress: { ...address, street: '' } },
            'shippingAddress.street must be longer than or equal to 1 characters'],
        ['another payment method', { paymentMethod: 'gold' },
            'paymentMethod must be one of the following values: card, bank_transfer, cash_on_delivery'],
        ['a total of the client', { total: 1 }, 'property total should not exist'],
        ['a status of the client', { status: 'PAID' }, 'property status should not exist'],
        ['the id of another user', { userId: bob.id }, 'property userId should not exist'],
    ];
    for (const [name, fields, message] of rows)
        test(`${name} is 400`, async () => {
            const answer = await cuib.post('/orders', { token: ana.token, body: { ...anOrder(), ...fields } });
            assert.equal(answer.status, 400, answer.text);
            assert.ok(answer.json.message.includes(message), answer.text);
            assert.equal(answer.json.error, 'Bad Request');
        });

    test('a status that does not exist is 400', async () => {
        const order = await cuib.order(ana);
        for (const status of ['LOST', 'paid', '', null, 1])
            assert.equal((await put(status, order)).status, 400, String(status));
    });
});

describe('who may', { concurrency: true }, () => {
    const paths = {
        'GET /': (id, token) => cuib.get(`/orders/${id}`, { token }),
        'GET /events': (id, token) => cuib.get(`/orders/${id}/events`, { token }),
        'GET /?version=1': (id, token) => cuib.get(`/orders/${id}?version=1`, { token }),
        'POST /payments': (id, token) =>
            cuib.post(`/orders/${id}/payments`, { token, body: { paymentToken: 'tok_declined' } }),
        'POST /cancel': (id, token) => cuib.post(`/orders/${id}/cancel`, { token }),
        'PUT /status': (id, token) => cuib.put(`/orders/${id}/status`, { token, body: { status: 'PAID' } }),
    };
    //                   owner, other, admin
    const matrix = {
        'GET /': [200, 403, 200], 'GET /events': [200, 403, 200], 'GET /?version=1': [200, 403, 200],
        'POST /payments': [201, 403, 403], 'POST /cancel': [200, 403, 200], 'PUT /status': [403, 403, 200],
    };
    for (const [name, ask] of Object.entries(paths)) {
        test(`${name}: owner, another user, an admin, nobody`, async () => {
            const found = [];
            for (const user of [ana, bob, admin]) {
                const answer = await ask((await cuib.order(ana)).id, user.token);
                if (answer.status === 403) assert.equal(answer.text, forbidden);
                found.push(answer.status);
            }
            assert.deepEqual(found, matrix[name]);
            assert.equal((await ask((await cuib.order(ana)).id)).status, 401);
        });

        test(`${name}: an unknown order is 404, an id that is none 400`, async () => {
            const user = name === 'PUT /status' ? admin : ana;
            assert.equal((await ask(randomUUID(), user.token)).status, 404);
            assert.equal((await ask('7', user.token)).text,
                '{"message":"Validation failed (uuid is expected)","error":"Bad Request","statusCode":400}');
        });
    }
});

describe('the list', () => {
    test('has one\'s own orders, newest first; an admin\'s has all', async () => {
        const [one, two] = [await cuib.member(), await cuib.member()];
        const mine = [];
        for (let i = 0; i < 7; i++) {
            mine.unshift(await cuib.order(one));
            await cuib.order(two);
        }
        const list = (await cuib.get('/orders', { token: one.token })).json;
        assert.deepEqual(list, { items: mine, nextCursor: null });
        const all = (await cuib.get('/orders?limit=14', admin)).json.items.map(({ userId }) => userId);
        assert.deepEqual(new Set(all), new Set([one.id, two.id]));
    });

    test('comes in pages, whose cursors stay valid while orders come', async () => {
        const user = await cuib.member();
        const mine = [];
        for (let i = 0; i < 11; i++) mine.unshift((await cuib.order(user)).id);
        for (const limit of [1, 4, 10, 11]) {
            const seen = [];
            for (let cursor = ''; cursor !== null;) {
                const page = (await cuib.get(`/orders?limit=${limit}${cursor && `&cursor=${cursor}`}`,
                    { token: user.token })).json;
                seen.push(...page.items.map(({ id }) => id));
                cursor = page.nextCursor;
                if (limit === 4) await cuib.order(user);
            }
            assert.deepEqual(seen.filter((id) => mine.includes(id)), mine);
        }
    });

    test('can be of one status', async () => {
        const user = await cuib.member();
        const orders = [];
        for (let i = 0; i < 6; i++) orders.unshift(await cuib.order(user));
        await move(orders[1], 'PAID');
        await move(orders[4], 'PAID');
        const ids = async (query) => (await cuib.get(`/orders?${query}`, { token: user.token }))
            .json.items.map(({ id }) => id);
        assert.deepEqual(await ids('status=PAID'), [orders[1].id, orders[4].id]);
        assert.deepEqual((await ids('status=PENDING')).length, 4);
        assert.deepEqual(await ids('status=SHIPPED'), []);
        const first = (await cuib.get('/orders?status=PAID&limit=1', { token: user.token })).json;
        assert.deepEqual(await ids(`status=PAID&limit=1&cursor=${first.nextCursor}`), [orders[4].id]);
        assert.equal((await cuib.get('/orders?status=PAID', admin)).json.items
            .every(({ status }) => status === 'PAID'), true);
    });

    test('refuses what is no limit, cursor or status', async () => {
        for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'status=LOST', 'status=paid'])
            assert.equal((await cuib.get(`/orders?${query}`, { token: ana.token })).status, 400, query);
        assert.equal((await cuib.get('/orders?colour=red', { token: ana.token })).status, 200);
    });
});

test('a user has the newest 20 orders among the details, and they follow', async () => {
    const user = await cuib.member();
    const orders = [];
    for (let i = 0; i < 22; i++) orders.unshift(await cuib.order(user));
    await cuib.pay(user, orders[0]);
    await move(orders[0], 'SHIPPED');
    const expected = orders.slice(0, 20).map(({ id, total, currency, createdAt }, i) =>
        ({ id, total, currency, status: i ? 'PENDING' : 'SHIPPED', createdAt }));
    const details = await until('the orders to follow', async () => {
        const { json } = await cuib.get(`/users/${user.id}`, { token: user.token });
        return json.orders.length === 20 && json.orders[0].status === 'SHIPPED' && json;
    });
    assert.deepEqual(details.orders, expected);
});

test('the store agrees with itself, before and after a rebuild', async () => {
    const verified = await finished(['verify'], { CUIB_DATA_DIR });
    assert.match(verified.stdout, /^0 problems$/m);
    assert.equal(verified.code, 0, verified.stdout);
    const rebuilt = await finished(['rebuild', 'orders'], { CUIB_DATA_DIR });
    assert.equal(rebuilt.code, 0, rebuilt.stderr);
    assert.equal((await finished(['verify'], { CUIB_DATA_DIR })).code, 0);
    assert.equal((await finished(['rebuild', 'nosuch'], { CUIB_DATA_DIR })).code, 1);
});

test('an order is there after kill -9 right behind the 201, twenty times', async () => {
    const settings = { CUIB_DATA_DIR: temporaryDirectory() };
    const orders = [];
    let user;
    for (let round = 0; round < 20; round++) {
        const run = await start(settings);
        user ??= await run.member();
        const answer = await run.post('/orders', { token: user.token, body: anOrder() });
        process.kill(run.pid, 'SIGKILL');
        assert.equal(answer.status, 201, answer.text);
        orders.unshift(answer.json);
        await run.ended();
    }
    const run = await start(settings);
    assert.deepEqual((await run.get('/orders', { token: user.token })).json.items, orders);
    await until('the user to hear of them', async () => {
        const { json } = await run.get(`/users/${user.id}`, { token: user.token });
        return json.orders.length === 20;
    });
    await run.stop();
    assert.equal((await finished(['verify'], settings)).code, 0);
});

test('the services in three processes do the same', async () => {
    const data = { CUIB_DATA_DIR: temporaryDirectory() };
    const users = await start(data, ['user']);
    const orders = await start(data, ['order']);
    const gateway = await start({ ...data, USER_SERVICE_PORT: users.port, ORDER_SERVICE_PORT: orders.port },
        ['gateway']);
    const [owner, other] = [await gateway.member(), await gateway.member()];
    const order = await gateway.order(owner);
    assert.deepEqual(Object.keys(order), orderKeys);
    const target = `/orders/${order.id}`;
    assert.deepEqual((await gateway.get(target, { token: owner.token })).json, order);
    for (const [method, path, body] of [
        ['get', ''], ['get', '/events'], ['post', '/cancel'], ['post', '/payments', { paymentToken: 'tok_success' }],
    ])
        assert.equal((await gateway[method](target + path, { token: other.token, body })).status, 403, path);
    const headers = { 'Idempotency-Key': 'k' };
    assert.equal((await gateway.pay(owner, order, 'tok_success', headers)).json.status, 'SUCCESS');
    const again = await gateway.pay(owner, order, 'tok_success', headers);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal((await gateway.get(`${target}/events`, { token: owner.token })).json.length, 3);
    assert.deepEqual((await gateway.get(`${target}?version=1`, { token: owner.token })).json, order);
    const byAdmin = { token: await gateway.admin(), body: { status: 'SHIPPED' } };
    assert.equal((await gateway.put(`${target}/status`, byAdmin)).json.version, 4);
    assert.equal((await gateway.get('/orders', { token: other.token })).json.items.length, 0);
    assert.equal((await gateway.get('/orders', byAdmin)).json.items.length, 1);
    for (const each of [gateway, orders, users]) await each.stop();
});
