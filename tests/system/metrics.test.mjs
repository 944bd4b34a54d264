// GET /metrics on every service's port: well-formed to the last byte, of bounded size, and right.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { readMetrics, valueOf } from './metrics-text.mjs';
import { freePort, startRedis } from './redis.mjs';
import {
    address, admin, connect, exchange, finished, item, request, someone, sql, start, temporaryDirectory, until, within,
} from './support.mjs';

async function scrape(port) {
    const answer = await request(port, 'GET', '/metrics');
    assert.equal(answer.status, 200, answer.text);
    return readMetrics(answer.text);
}

const nobody = '00000000-0000-4000-8000-000000000000';

/** How much each of the counters `[name, labels, times]` rises on the port while `work` runs. */
async function rises(port, counters, work) {
    const before = await scrape(port);
    await work();
    const after = await scrape(port);
    for (const [name, labels, times] of counters)
        assert.equal(valueOf(after, name, labels) - valueOf(before, name, labels), times,
            `${name} ${JSON.stringify(labels)}`);
}

const requests = (method, route, status, times) => ['http_requests_total', { method, route, status: String(status) }, times];

const PROCESS = [
    'cuib_build_info', 'process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds', 'process_max_fds',
    'process_start_time_seconds', 'cuib_heap_bytes', 'cuib_fibers', 'cuib_eventloop_lag_seconds',
];
const HTTP = ['http_connections', 'http_requests_in_flight', 'http_requests_total', 'http_request_duration_seconds'];
const RPC = ['rpc_connections', 'rpc_messages_in_flight'];
const STORE = ['database_units_total', 'database_commits_total', 'database_units_queued'];
const EVENTS = [
    'events_waiting', 'events_parked_streams', 'events_dead_letters', 'events_stalled_seconds', 'events_consumer_away_seconds',
    'events_delivered_total', 'events_failed_total',
];
const MAILS = [
    'mails_pending', 'mails_oldest_pending_seconds', 'mails_dead', 'mails_in_flight', 'mails_server_away', 'mails_sent_total',
    'mails_failed_total',
];

describe('all services in one process', () => {
    const CUIB_DATA_DIR = temporaryDirectory();
    let cuib;
    let ports;
    before(async () => {
        cuib = await start({ CUIB_DATA_DIR });
        ports = {
            gateway: cuib.port,
            user: await cuib.portOf('UserService'),
            order: await cuib.portOf('OrderService'),
            notification: await cuib.portOf('NotificationService'),
        };
    });
    after(() => cuib.stop());

    test('each port shows its own service and the process, and nothing of the others', async () => {
        const expected = {
            gateway: [...PROCESS, ...HTTP],
            user: [...PROCESS, ...HTTP, ...RPC, ...STORE],
            order: [...PROCESS, ...HTTP, ...RPC, ...EVENTS, ...STORE],
            notification: [...PROCESS, ...HTTP, ...RPC, ...STORE, ...MAILS],
        };
        for (const [name, port] of Object.entries(ports)) {
            await scrape(port); // so that there is a request to count
            const families = await scrape(port);
            assert.deepEqual([...families.keys()].sort(), expected[name].toSorted(), name);
            for (const { name: family, samples } of families.values())
                for (const { labels } of samples)
                    assert.equal(labels.service, PROCESS.includes(family) ? undefined : name, family);
        }
    });

    test('it is plain text of that version, for everybody, not to be kept', async () => {
        for (const port of Object.values(ports)) {
            const { status, headers } = await request(port, 'GET', '/metrics');
            assert.equal(status, 200);
            assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
            assert.equal(headers['cache-control'], 'no-store');
            assert.equal(headers.etag, undefined);
        }
        assert.equal((await cuib.head('/metrics')).status, 200);
        assert.equal((await cuib.post('/metrics')).status, 404);
    });

    test('the document knows it', async () => {
        const { paths } = (await cuib.get('/api/docs-json')).json;
        assert.equal(paths['/metrics'].get.operationId, 'MetricsController_index');
        assert.equal(paths['/metrics'].get.security, undefined);
    });

    test('the process is this one', async () => {
        const first = await scrape(cuib.port);
        const version = first.get('cuib_build_info').samples[0].labels.version;
        assert.match(version, /^\d+\.\d+\.\d+$/);
        assert.match((await finished(['--version'])).stdout, new RegExp(version.replaceAll('.', '\\.')));
        assert.ok(Math.abs(valueOf(first, 'process_start_time_seconds') - Date.now() / 1000) < 120);
        assert.ok(valueOf(first, 'process_resident_memory_bytes') > 1e6);
        assert.ok(valueOf(first, 'process_open_fds') > 5);
        assert.ok(valueOf(first, 'process_open_fds') < valueOf(first, 'process_max_fds'));
        const sockets = await Promise.all(Array.from({ length: 20 }, async () => {
            const connection = connect(cuib.port);
            await within(new Promise((resolve) => { connection.socket.on('connect', resolve); }), 5000, 'a connection');
            return connection;
        }));
        await until('the connections to be counted', async () => {
            const now = await scrape(cuib.port);
            return valueOf(now, 'http_connections') >= 21
                && valueOf(now, 'process_open_fds') >= valueOf(first, 'process_open_fds') + 20;
        });
        for (const { socket } of sockets) socket.destroy();
        await until('CPU time to pass', async () =>
            valueOf(await scrape(cuib.port), 'process_cpu_seconds_total') > valueOf(first, 'process_cpu_seconds_total'));
    });

    test('requests count by method, route and status', async () => {
        const user = await cuib.member();
        await rises(cuib.port, [
            requests('GET', '/health/live', 200, 3), requests('HEAD', '/health/live', 200, 1),
            requests('GET', '/users/:id', 200, 2), requests('GET', '/users/:id', 401, 1),
            requests('GET', '/users/:id', 403, 1), requests('GET', '/users/:id', 304, 1),
            requests('PUT', '/users/:id', 401, 1), requests('GET', '/users', 401, 1),
            requests('POST', '/users', 201, 1), requests('POST', '/users', 400, 2),
            requests('GET', 'other', 404, 1), requests('POST', 'other', 400, 1),
            ['http_request_duration_seconds_count', { method: 'GET', route: '/users/:id' }, 5],
            ['http_request_duration_seconds_count', { method: 'GET', route: '/health/live' }, 4],
        ], async () => {
            await cuib.get('/health/live');
            await cuib.get('/Health/Live/');
            await cuib.get('/health/live?x=1');
            await cuib.head('/health/live');
            await cuib.get(`/users/${user.id}`, user);
            const { headers } = await cuib.get(`/users/${user.id}`, user);
            await cuib.get(`/users/${user.id}`, { ...user, headers: { 'If-None-Match': headers.etag } });
            await cuib.get(`/users/${user.id}`);
            await cuib.get(`/users/${nobody}`, user);
            await cuib.put(`/users/${user.id}`, { body: {} });
            await cuib.get('/users');
            await cuib.post('/users', { body: someone() });
            await cuib.post('/users', { body: {} });
            await cuib.post('/users', { body: '{' });
            await cuib.get('/nope');
            await cuib.post('/nope', { body: '{' });
        });
    });

    test('what is no request counts as other', async () => {
        await rises(cuib.port, [requests('other', 'other', 400, 2), requests('other', 'other', 431, 1)], async () => {
            await exchange(cuib.port, 'nonsense\r\n\r\n');
            await exchange(cuib.port, 'GET / HTTP/1.1\r\n\r\n');
            await exchange(cuib.port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`);
        });
    });

    test('thousands of different paths and methods make no new series', async () => {
        const mine = await cuib.member();
        const paths = (i) => [`/${randomUUID()}`, `/users/${randomUUID()}/${i}`, `/api/docs/${i}`, `/%7f${i}?"\\=\n`.trim()];
        const strange = (i) => request(cuib.port, 'PROPFIND', `/${i}`);
        const once = async (i) => {
            for (const target of paths(i)) assert.equal((await cuib.get(target)).status, 404);
            assert.equal((await cuib.get(`/users/${randomUUID()}`, mine)).status, 403);
            assert.equal((await strange(i)).status, 404);
        };
        await once(0);
        await scrape(cuib.port);
        const size = async () => {
            const families = await scrape(cuib.port);
            return [...families.values()].flatMap(({ samples }) => samples).length;
        };
        const first = await size();
        await rises(cuib.port, [
            requests('GET', 'other', 404, 1000), requests('other', 'other', 404, 250), requests('GET', '/users/:id', 403, 250),
        ], async () => {
            for (let i = 0; i < 10; i++)
                await Promise.all(Array.from({ length: 25 }, (_, k) => once(25 * i + k + 1)));
        });
        assert.equal(await size(), first);
        const routes = new Set((await scrape(cuib.port)).get('http_requests_total').samples.map(({ labels }) => labels.route));
        const { paths: documented } = (await cuib.get('/api/docs-json')).json;
        const known = new Set(Object.keys(documented).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1')));
        for (const route of routes) assert.ok(route === 'other' || known.has(route), route);
    });

    test('the sum of a duration is the time that it took', async () => {
        const took = async () => valueOf(await scrape(cuib.port), 'http_request_duration_seconds_sum',
            { method: 'POST', route: '/auth/login' });
        const first = await took();
        const began = Date.now();
        for (let i = 0; i < 5; i++) await cuib.login(admin.email, 'wrong');
        const passed = (Date.now() - began) / 1000;
        const summed = await took() - first;
        assert.ok(summed > 0 && summed <= passed, `${summed} of ${passed} s`);
    });

    test('events, mails and commits count', async () => {
        const user = await cuib.member();
        const before = await Promise.all([scrape(ports.order), scrape(ports.notification), scrape(ports.user)]);
        const rise = (after, i, name, labels) => valueOf(after, name, labels) - valueOf(before[i], name, labels);
        await cuib.order(user);
        await until('the order to be everywhere', async () => {
            const order = await scrape(ports.order);
            const mails = await scrape(ports.notification);
            const users = await scrape(ports.user);
            return rise(order, 0, 'events_delivered_total', { subscriber: 'user' }) === 1
                && rise(order, 0, 'events_delivered_total', { subscriber: 'notification' }) === 1
                && rise(order, 0, 'database_commits_total') > 0
                && rise(order, 0, 'database_units_total') >= rise(order, 0, 'database_commits_total')
                && rise(users, 2, 'database_units_total') > 0
                && rise(mails, 1, 'mails_sent_total') === 1 && valueOf(mails, 'mails_pending') === 0;
        });
        const order = await scrape(ports.order);
        for (const name of ['events_waiting', 'events_parked_streams', 'events_dead_letters', 'events_stalled_seconds'])
            for (const subscriber of ['user', 'notification'])
                assert.equal(valueOf(order, name, { subscriber }), 0, name);
    });

    test('a dead letter is counted, with its attempts', async () => {
        const labels = { subscriber: 'user' };
        sql(`${CUIB_DATA_DIR}/order.sqlite`, `INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)
            VALUES ('${randomUUID()}', '${nobody}', 1, 'order.created', '{"orderId":"poison"}', '{"shape":1}', 1795000000000)`);
        await cuib.order(await cuib.member());
        await until('the event to be given up', async () => {
            const families = await scrape(ports.order);
            return valueOf(families, 'events_dead_letters', labels) === 1 && valueOf(families, 'events_waiting', labels) === 0
                && valueOf(families, 'events_parked_streams', labels) === 1 && valueOf(families, 'events_failed_total', labels) === 3;
        });
    });

    test('many scrapes at the same time are all whole', async () => {
        await Promise.all(Array.from({ length: 50 }, (_, i) => scrape(Object.values(ports)[i % 4])));
        const { samples } = (await scrape(cuib.port)).get('http_requests_in_flight');
        assert.deepEqual(samples.map(({ value }) => value), [1]);
    });
});

describe('services in processes of their own', () => {
    const data = temporaryDirectory();
    const settings = { EVENT_CONSUMERS: 'user' };
    let gateway, order, user;
    before(async () => {
        settings.USER_SERVICE_PORT = await freePort();
        settings.ORDER_SERVICE_PORT = await freePort();
        user = await start({ ...settings, CUIB_DATA_DIR: data }, ['user']);
        order = await start(settings, ['order']);
        gateway = await start(settings, ['gateway']);
    });
    after(async () => {
        await gateway.stop();
        await order.stop();
        await user.stop();
    });
    const message = (pattern, outcome, times) => ['rpc_messages_total', { pattern, outcome }, times];
    const call = (service, pattern, payload) =>
        finished(['call', `tcp://127.0.0.1:${service.port}`, pattern, JSON.stringify(payload)]);

    test('messages count by pattern and outcome, unknown ones together', async () => {
        await rises(user.port, [
            message('user.findByEmail', 'ok', 2), message('user.findByEmail', 'client_error', 1),
            message('user.findById', 'client_error', 1), message('other', 'client_error', 3),
            ['rpc_message_duration_seconds_count', { pattern: 'user.findByEmail' }, 3],
        ], async () => {
            await call(user, 'user.findByEmail', admin.email);
            await call(user, 'user.findByEmail', admin.email);
            await call(user, 'user.findByEmail', 7);
            await call(user, 'user.findById', nobody);
            for (const pattern of ['user.nope', 'user.other', 'x']) await call(user, pattern, 1);
        });
    });

    test('the gateway shows whom it calls', async () => {
        await gateway.admin();
        const families = await scrape(gateway.port);
        for (const name of ['rpc_peer_addresses', 'rpc_peer_connected'])
            assert.equal(valueOf(families, name, { peer: 'user' }), 1, name);
        assert.equal(families.get('rpc_peer_connected').samples[0].labels.service, undefined);
    });

    test('a consumer that is away is seen, and so is its return', async () => {
        const member = await gateway.member();
        await user.kill();
        await until('the connection to be missed', async () =>
            valueOf(await scrape(gateway.port), 'rpc_peer_connected', { peer: 'user' }) === 0);
        const { code, stderr } = await call(order, 'order.create',
            { userId: member.id, items: [item()], shippingAddress: address, paymentMethod: 'card' });
        assert.equal(code, 0, stderr);
        const labels = { subscriber: 'user', service: 'order' };
        await until('the consumer to be away', async () => {
            const families = await scrape(order.port);
            return valueOf(families, 'events_consumer_away_seconds', labels) > 0
                && valueOf(families, 'events_stalled_seconds', labels) > 0
                && valueOf(families, 'events_waiting', labels) === 1;
        });
        user = await start({ ...settings, CUIB_DATA_DIR: data }, ['user']);
        await until('the event to be there', async () => {
            const families = await scrape(order.port);
            return valueOf(families, 'events_delivered_total', labels) === 1
                && valueOf(families, 'events_consumer_away_seconds', labels) === 0
                && valueOf(families, 'events_waiting', labels) === 0;
        });
        const families = await scrape(user.port);
        assert.equal(valueOf(families, 'rpc_messages_total', { pattern: 'order.created', outcome: 'ok' }), 1);
    });
});

test('Redis: whether it is there, and which replica left a request to another', async () => {
    const redis = await startRedis();
    const settings = { REDIS_HOST: redis.host, REDIS_PORT: redis.port, CUIB_DATA_DIR: temporaryDirectory() };
    const users = [await start(settings, ['user']), await start(settings, ['user'])];
    const gateway = await start({ ...settings, USER_SERVICE_PORT: 1 }, ['gateway']);
    await gateway.admin();
    const sum = async (name) => {
        const all = await Promise.all(users.map((user) => scrape(user.port)));
        return all.reduce((total, families) => total + valueOf(families, name, { service: 'user' }), 0);
    };
    await until('one of two to answer', async () => await sum('rpc_redis_duplicates_suppressed_total') > 0);
    assert.ok(await sum('rpc_redis_messages_total') > 0);
    assert.equal(valueOf(await scrape(gateway.port), 'redis_up'), 1);
    const { samples } = (await scrape(gateway.port)).get('rpc_peer_addresses');
    assert.deepEqual(samples.map(({ labels }) => labels.peer), ['order'], 'of those over TCP');
    await redis.kill();
    await until('Redis to be missed', async () => valueOf(await scrape(gateway.port), 'redis_up') === 0);
    await redis.start();
    await until('Redis to be back', async () => {
        const families = await scrape(gateway.port);
        return valueOf(families, 'redis_up') === 1 && valueOf(families, 'redis_reconnections_total') > 0;
    });
    await Promise.all([gateway, ...users].map((cuib) => cuib.stop()));
    await redis.kill();
});

test('the mail server that is away is seen', async () => {
    const port = await freePort();
    const cuib = await start({ NOTIFICATION_SERVICE_PORT: port, SMTP_HOST: '127.0.0.1', SMTP_PORT: await freePort() });
    await cuib.order(await cuib.member());
    await until('the mail to wait', async () => {
        const families = await scrape(port);
        return valueOf(families, 'mails_pending') === 1 && valueOf(families, 'mails_server_away') === 1
            && valueOf(families, 'mails_failed_total') > 0 && valueOf(families, 'mails_oldest_pending_seconds') > 0;
    });
    await cuib.stop();
});
