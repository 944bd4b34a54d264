// NestJS's wire on a service's port, byte by byte from a raw socket, and what peers that mean no good can
// do: nothing but end their own connection.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { admin, connect, request, someone, start, until, within } from './support.mjs';

// AddressSanitizer keeps what was freed for a while, which is not what is measured here.
const ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=8`;
const user = await start({ ASAN_OPTIONS }, ['user']);
after(() => user.stop());

const nobody = '00000000-0000-4000-8000-000000000000';
const unknown = 'There is no matching message handler defined in the remote service.';

/** A frame as NestJS writes it: the length is JavaScript's. */
const frame = (packet) => {
    const text = typeof packet === 'string' ? packet : JSON.stringify(packet);
    return `${text.length}#${text}`;
};
const find = (id, data = admin.email) => ({ pattern: 'user.findByEmail', data, id });

/** The packets in a text of frames. */
function packets(text) {
    const found = [];
    while (text) {
        const [, digits] = /^(\d+)#/.exec(text);
        const begin = digits.length + 1;
        const end = begin + Number(digits);
        if (end > text.length) break;
        found.push(JSON.parse(text.slice(begin, end)));
        text = text.slice(end);
    }
    return found;
}

/** A connection whose `replies()` are the packets so far. */
function peer() {
    const connection = connect(user.port);
    const bytes = [];
    connection.socket.setEncoding();
    connection.socket.removeAllListeners('data');
    connection.socket.on('data', (chunk) => bytes.push(Buffer.from(chunk)));
    connection.replies = () => packets(Buffer.concat(bytes).toString());
    connection.send = (...all) => all.forEach((one) => connection.socket.write(one));
    connection.reply = (id) => until(`a reply to ${id}`, () =>
        connection.replies().find((packet) => packet.id === id));
    return connection;
}

/** Sends bytes and our end; gives the packets that come back until the end. */
async function exchange(...bytes) {
    const one = peer();
    one.send(...bytes);
    one.socket.end();
    await within(one.closed, 15_000, 'the end of the connection');
    return one.replies();
}

/** Whether the service still answers, on a connection of its own. */
async function assertAlive() {
    const [reply] = await exchange(frame(find('alive')));
    assert.equal(reply.response.email, admin.email);
}

describe('frames', { concurrency: true }, () => {
    const text = JSON.stringify(find('r1'));
    const units = text.length;
    const accepted = {
        'the length as it is': `${units}#${text}`,
        'zeros before it': `000${units}#${text}`,
        'a blank before it': ` ${units}#${text}`,
        'a line break before it': `\n${units}#${text}`,
        'a plus sign': `+${units}#${text}`,
        'a byte order mark': `\ufeff${units}#${text}`,
        'something after the digits': `${units}x#${text}`,
        'a fraction': `${units}.9#${text}`,
        'an empty packet before it': `2#{}${units}#${text}`,
        'null before it': `4#null${units}#${text}`,
    };
    for (const [title, bytes] of Object.entries(accepted)) {
        test(`accepted: ${title}`, async () => {
            const replies = await exchange(bytes);
            assert.deepEqual(replies.map((reply) => reply.id), ['r1']);
            assert.equal(replies[0].response.email, admin.email);
            assert.deepEqual(Object.keys(replies[0]), ['response', 'isDisposed', 'id']);
        });
    }
    const refused = {
        'no digit': '#', 'a length of 0': '0#', 'a negative length': '-1#{', 'hexadecimal': '0x1#{',
        'an exponent': '1e9#{', 'two signs': '+-2#{}', 'text that is not JSON': '3#abc',
        'more than one value': '5#{} {}', 'a pair of surrogates cut in two': '2#"😀"',
        'a length above the bound': '9999999#{', 'no end of digits': '1'.repeat(1_100_000),
    };
    for (const [title, bytes] of Object.entries(refused)) {
        test(`closed without a word: ${title}`, async () => {
            const one = peer();
            one.send(bytes);
            await within(one.closed, 15_000, 'the end of the connection');
            assert.deepEqual(one.replies(), []);
        });
    }
    test('the length in bytes is the wrong one', async () => {
        const wide = JSON.stringify({ ...find('r1'), data: 'ă😀' });
        const one = peer();
        one.send(`${Buffer.byteLength(wide)}#${wide}`, frame(find('r2')));
        await within(one.closed, 15_000, 'the end of the connection');
        assert.deepEqual(one.replies(), []);
    });
    test('an invalid byte is one U+FFFD', async () => {
        const bytes = Buffer.from(frame(find('iv', 'x\xff@example.com')), 'latin1');
        assert.deepEqual((await exchange(bytes)).map((reply) => reply.err.statusCode), [404]);
    });
    test('delivered byte by byte', async () => {
        const one = peer();
        for (const byte of Buffer.from(frame(find('slow', 'ă😀@example.com')) + frame(find('r2')))) {
            one.send(Buffer.of(byte));
            await new Promise(setImmediate);
        }
        assert.equal((await one.reply('slow')).err.statusCode, 404);
        assert.equal((await one.reply('r2')).response.email, admin.email);
        one.socket.destroy();
    });
    test('many in one write', async () => {
        const all = Array.from({ length: 500 }, (_, i) => frame(find(i))).join('');
        const ids = (await exchange(all)).map((reply) => reply.id).sort((a, b) => a - b);
        assert.deepEqual(ids, Array.from({ length: 500 }, (_, i) => i));
    });
    test('twelve thousand empty packets, then a request', async () => {
        const replies = await exchange('2#{}'.repeat(12_000) + frame(find('last')));
        assert.deepEqual(replies.map((reply) => reply.id), ['last']);
    });
});

describe('packets', { concurrency: true }, () => {
    test('texts of every kind come back as they went', async () => {
        const name = 'Ștefăniță 😀 \u2028 "\\/\u0007\u007f';
        const fields = { ...someone(), name };
        const [made] = await exchange(frame({ pattern: 'user.create', data: fields, id: 'ș😀' }));
        assert.equal(made.response?.name, name, JSON.stringify(made));
        assert.equal(made.id, 'ș😀');
    });
    test('a payload of nearly a mebibyte is read', async () => {
        const [reply] = await exchange(frame(find('big', `${'ă'.repeat(1_000_000)}@example.com`)));
        assert.equal(reply.err.statusCode, 404);
    });
    test('any id is echoed', async () => {
        for (const id of [null, '', 0, 5.5, true, { a: [1] }]) {
            const [reply] = await exchange(frame(find(id)));
            assert.deepEqual(reply.id, id);
        }
    });
    test('a pattern that is JSON is parsed, an object is sorted', async () => {
        const [quoted] = await exchange(frame({ ...find('q'), pattern: '"user.findByEmail"' }));
        assert.equal(quoted.response.email, admin.email);
        const [object] = await exchange(frame({ ...find('o'), pattern: { cmd: 'user.findByEmail' } }));
        assert.deepEqual(object, { id: 'o', status: 'error', err: unknown });
    });
    test('a bare value and an object are the same payload', async () => {
        const replies = await exchange(
            frame({ pattern: 'user.findById', data: nobody, id: 1 }) +
            frame({ pattern: 'user.findById', data: { id: nobody }, id: 1 }));
        assert.deepEqual(replies[0], replies[1]);
        assert.equal(replies[0].err.statusCode, 404);
    });
    test('errors travel as statusCode, message, error', async () => {
        const rows = [
            ['user.findById', nobody, 404, 'User not found', 'Not Found'],
            ['user.findById', 'x', 400, ['id must be a UUID'], 'Bad Request'],
            ['user.create', { ...someone(), email: admin.email }, 409,
                'User with this email already exists', 'Conflict'],
            ['user.validateCredentials', { email: 'a@example.com', password: 'x' }, 401,
                'Invalid credentials', 'Unauthorized'],
        ];
        for (const [pattern, data, statusCode, message, error] of rows) {
            const [reply] = await exchange(frame({ pattern, data, id: 'e' }));
            assert.deepEqual(reply, { err: { statusCode, message, error }, isDisposed: true, id: 'e' });
        }
    });
    test('a value that is undefined is left out', async () => {
        const [made] = await exchange(frame({ pattern: 'user.create', data: someone(), id: 1 }));
        const [gone] = await exchange(
            frame({ pattern: 'user.delete', data: made.response.id, id: 2 }));
        assert.deepEqual(gone, { isDisposed: true, id: 2 });
    });
    test('an event gets no reply, a packet with nothing but an id neither', async () => {
        const silent = frame({ pattern: 'user.findByEmail', data: admin.email }) +
            frame({ pattern: 'nope', data: 1 }) + frame({ id: 'q' }) + frame([1]) + frame('5');
        const replies = await exchange(silent + frame({ data: 1, id: 'last' }));
        assert.deepEqual(replies, [{ id: 'last', status: 'error', err: unknown }]);
    });
    test('a password never comes back', async () => {
        const [made] = await exchange(frame({ pattern: 'user.create', data: someone(), id: 1 }));
        assert.doesNotMatch(JSON.stringify(made), /password|\$2/i);
    });
    test('a call without time is not done', async () => {
        const late = { ...find('late'), metadata: { timeLeftMs: 0 } };
        const [reply] = await exchange(frame(late));
        assert.equal(reply.err.statusCode, 504);
    });
});

describe('connections', () => {
    test('HTTP and frames share the port', async () => {
        const answer = await request(user.port, 'GET', '/health');
        assert.equal(answer.status, 200);
        await assertAlive();
    });
    test('a thousand calls at once on one connection', async () => {
        const one = peer();
        for (let i = 0; i < 1000; i += 1) one.send(frame(find(`c${i}`)));
        await until('a thousand replies', () => one.replies().length === 1000);
        assert.ok(one.replies().every((reply) => reply.response.email === admin.email));
        one.socket.destroy();
    });
    test('replies come in the order of completion', async () => {
        const one = peer();
        one.send(frame({ pattern: 'user.create', data: someone(), id: 'slow' }), frame(find('fast')));
        await one.reply('slow');
        assert.deepEqual(one.replies().map((reply) => reply.id), ['fast', 'slow']);
        one.socket.destroy();
    });
    test('a client that has ended its side still gets what it asked for', async () => {
        const [reply] = await exchange(frame({ pattern: 'user.create', data: someone(), id: 'half' }));
        assert.equal(reply.id, 'half');
    });
    test('a silent connection is kept and may speak later', async () => {
        const one = peer();
        await new Promise((resolve) => setTimeout(resolve, 1500));
        one.send(frame(find('late')));
        await one.reply('late');
        one.socket.destroy();
    });
    test('tiny frames do not stop others', async () => {
        const attackers = Array.from({ length: 10 }, peer);
        for (const one of attackers) one.send('2#{}'.repeat(50_000));
        await assertAlive();
        for (const one of attackers) one.socket.destroy();
        await assertAlive();
    });
    test('a peer that never reads is not read from', async () => {
        const one = peer();
        const before = residentBytes();
        one.socket.pause();
        const many = frame(find('x')).repeat(1000);
        for (let i = 0; i < 100; i += 1) one.send(many);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        assert.ok(residentBytes() - before < 32 * 1024 * 1024, 'replies pile up');
        await assertAlive();
        one.socket.destroy();
    });
    test('two hundred promises of large frames take little memory', async () => {
        const before = residentBytes();
        const stalled = Array.from({ length: 200 }, peer);
        for (const one of stalled) one.send('1000000#{"pattern":"user.create","data":"');
        await assertAlive();
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.ok(residentBytes() - before < 8 * 1024 * 1024, 'memory for what was promised');
        for (const one of stalled) one.socket.destroy();
        await assertAlive();
    });
    test('two hundred unfinished frames are bounded together', async () => {
        const before = residentBytes();
        const stalled = Array.from({ length: 200 }, peer);
        const half = `1000000#{"a":"${'x'.repeat(900_000)}`;
        for (const one of stalled) one.send(half);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        assert.ok(residentBytes() - before < 160 * 1024 * 1024, 'memory for unfinished frames');
        await assertAlive();
        for (const one of stalled) one.socket.destroy();
    });
    test('of all that, the log has one line a minute', () => {
        const lines = user.output.stderr.match(/^.* ERROR \[Server\] .*$/gm) ?? [];
        assert.equal(lines.length, 1, user.output.stderr);
    });
});

function residentBytes() {
    const status = readFileSync(`/proc/${user.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
}
