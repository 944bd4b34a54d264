// Health, as @nestjs/terminus 12 prints it, on the gateway's port and on the user service's own.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { request, start } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());
const ports = {
    'the gateway': cuib.port,
    'the user service': await cuib.portOf('UserService'),
    'the notification service': await cuib.portOf('NotificationService'),
};

for (const [name, port] of Object.entries(ports)) {
    describe(`on the port of ${name}`, () => {
        for (const target of ['/health', '/health/ready', '/health/live']) {
            test(`${target} is 200, not to be cached, in Terminus's shape`, async () => {
                const answer = await request(port, 'GET', target);
                const health = answer.json;
                assert.equal(answer.status, 200, answer.text);
                assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
                assert.equal(answer.headers['cache-control'],
                    'no-cache, no-store, must-revalidate');
                assert.deepEqual(Object.keys(health), ['status', 'info', 'error', 'details']);
                assert.equal(health.status, 'ok');
                assert.deepEqual(health.error, {});
                assert.deepEqual(health.details, health.info);
                for (const [check, result] of Object.entries(health.info))
                    assert.equal(result.status, 'up', check);
            });
        }

        test('/health looks at the memory', async () => {
            const { info } = (await request(port, 'GET', '/health')).json;
            assert.deepEqual(info.memory_heap, { status: 'up' });
            assert.deepEqual(info.memory_rss, { status: 'up' });
        });

        test('/health/live asks nobody else', async () => {
            const { info } = (await request(port, 'GET', '/health/live')).json;
            assert.equal(info.database, undefined);
        });

        test('HEAD and an unknown path are answered as everywhere', async () => {
            const head = await request(port, 'HEAD', '/health/live');
            assert.equal(head.status, 200);
            assert.equal(head.text, '');
            const unknown = await request(port, 'GET', '/health/nope');
            assert.equal(unknown.text,
                '{"message":"Cannot GET /health/nope","error":"Not Found","statusCode":404}');
        });
    });
}

test('the user service is ready when its database answers', async () => {
    const port = ports['the user service'];
    for (const target of ['/health', '/health/ready']) {
        const { database } = (await request(port, 'GET', target)).json.info;
        assert.deepEqual(Object.keys(database), ['responseTime', 'status']);
        assert.ok(Number.isInteger(database.responseTime));
    }
});

test('the gateway speaks for the services of its process', async () => {
    const { info } = (await cuib.get('/health/ready')).json;
    assert.deepEqual(Object.keys(info), [
        'database', 'order_database', 'events', 'notification_database', 'mail', 'deliveries',
    ]);
});

test('the notification service looks at the mail server and at what waits', async () => {
    const { info } = (await request(ports['the notification service'], 'GET', '/health/ready')).json;
    assert.deepEqual(Object.keys(info), ['database', 'mail', 'deliveries']);
    assert.deepEqual(info.mail, { status: 'up' });
    assert.deepEqual(info.deliveries, { status: 'up' });
});

test('the users are not to be reached without the gateway', async () => {
    for (const target of ['/users', '/auth/me'])
        assert.equal((await request(ports['the user service'], 'GET', target)).status, 404);
});
