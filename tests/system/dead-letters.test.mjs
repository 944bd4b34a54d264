// cuib dead: what was given up is shown, tried again and left out, beside a system that runs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startSmtpSink } from './smtp-sink.mjs';
import { finished, sql, start, temporaryDirectory, until } from './support.mjs';

const CUIB_DATA_DIR = temporaryDirectory();
const stream = '11111111-1111-4111-8111-111111111111';

async function dead(...args) {
    const { code, stdout, stderr } = await finished(['dead', ...args], { CUIB_DATA_DIR });
    return { code, stdout: stdout.replace(/^.*\[Migrations\].*\n/gm, ''), stderr };
}
const letters = async () => (await dead('list')).stdout.split('\n').slice(0, -1);
const insert = (version, type, data) => sql(`${CUIB_DATA_DIR}/order.sqlite`,
    `INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)
     VALUES ('22222222-2222-4222-8222-00000000000${version}', '${stream}', ${version}, '${type}',
             '${data}', '{"shape":1}', 1795000000000)`);

describe('dead letters', () => {
    let cuib, sink, user;
    before(async () => {
        sink = await startSmtpSink();
        cuib = await start({
            CUIB_DATA_DIR, SMTP_HOST: '127.0.0.1', SMTP_PORT: sink.port, SMTP_TLS: 'none',
        });
        user = await cuib.member();
    });
    after(async () => {
        await cuib.stop();
        await sink.close();
    });

    test('there are none at first', async () => {
        assert.deepEqual(await dead('list'), { code: 0, stdout: '0 dead letters\n', stderr: '' });
    });

    test('an event that no consumer can read is one for each of them', async () => {
        insert(1, 'order.created', '{"orderId":"poison"}');
        insert(2, 'order.statusChanged', JSON.stringify({
            orderId: stream, userId: user.id, previousStatus: 'PENDING', newStatus: 'CANCELLED',
            changedAt: '2026-11-25T12:00:00.000Z',
        }));
        await cuib.order(user);
        const [one, other, count] = await until('two dead letters', async () => {
            const lines = await letters();
            return lines.length === 3 && lines;
        });
        const what = '2026-11-18T11:06:40.000Z  order.created  3 attempts  422 Event ';
        assert.ok(one.startsWith(`order:notification:${stream}  ${what}`), one);
        assert.ok(other.startsWith(`order:user:${stream}  ${what}`), other);
        assert.equal(count, '2 dead letters');
    });

    test('is shown with its data', async () => {
        const { code, stdout } = await dead('show', `order:user:${stream}`);
        assert.equal(code, 0);
        assert.match(stdout, /^event {5}order\.created, version 1 of its stream, position 1$/m);
        assert.match(stdout, /^data {6}\{"orderId":"poison"\}$/m);
    });

    test('one that is tried again in vain is dead again', async () => {
        const failed = () =>
            (cuib.output.stdout + cuib.output.stderr).match(/gives up event/g).length;
        const before = failed();
        assert.deepEqual(await dead('replay', `order:user:${stream}`),
            { code: 0, stdout: `order:user:${stream} will be tried again\n`, stderr: '' });
        await until('it to be given up again', () => failed() > before);
        await until('two dead letters', async () => (await letters()).length === 3);
    });

    test('one that is dropped lets the events behind it pass', async () => {
        for (const consumer of ['user', 'notification'])
            assert.deepEqual(await dead('drop', `order:${consumer}:${stream}`),
                { code: 0, stdout: `order:${consumer}:${stream} is dropped\n`, stderr: '' });
        // The user service has not heard of the order, so that the change waits; nobody else minds.
        await until('the change to be tried', () => sql(`${CUIB_DATA_DIR}/order.sqlite`,
            `SELECT 1 FROM events_parked WHERE failure LIKE '409 The order has not been heard of%'`)[0]);
        assert.deepEqual(await letters(), ['0 dead letters']);
    });

    test('a mail that the server refuses is one, and is sent when it is tried again', async () => {
        const other = await cuib.member();
        sink.on({ at: 'RCPT', to: other.email, answer: '550 5.1.1 No such user' });
        const order = await cuib.order(other);
        const [line] = await until('a dead mail', async () => {
            const lines = await letters();
            return lines.length === 2 && lines;
        });
        const [, id] = /^(mail:\d+) .*order-confirmation.*1 attempts.*550 5\.1\.1 No such user/.exec(line)
            ?? assert.fail(line);
        const shown = await dead('show', id);
        assert.match(shown.stdout, new RegExp(`^data +\\{.*${order.id}`, 'm'));
        sink.reset();
        assert.deepEqual(await dead('replay', '--all'),
            { code: 0, stdout: 'mails: 1 will be tried again\n1 dead letters\n', stderr: '' });
        await until('the mail', () => sink.mailsTo(other.email)[0]);
        assert.deepEqual(await letters(), ['0 dead letters']);
        assert.equal((await dead('replay', id)).code, 1, 'it is none any more');
    });

    test('what is none is an error, and so is a wrong command line', async () => {
        const none = await dead('show', 'mail:4711');
        assert.equal(none.code, 1);
        assert.match(none.stderr, /^cuib: there is no such dead letter; `cuib dead list` shows them$/m);
        for (const args of [[], ['list', 'x'], ['drop'], ['drop', '--all'], ['bury', 'x']]) {
            const { code, stderr } = await dead(...args);
            assert.equal(code, 64);
            assert.match(stderr, /^usage: cuib dead list$/m);
        }
    });
});
