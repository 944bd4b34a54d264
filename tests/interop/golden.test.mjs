// The bytes that NestJS's own servers sent (golden-frames.json), asked of Cuib's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { exchange, exchanges } from './golden-exchanges.mjs';
import { echoServer, versions } from './support.mjs';

const golden = JSON.parse(readFileSync(new URL('golden-frames.json', import.meta.url)));
const server = await echoServer();
after(() => server.stop());

const instead = new Map(Object.entries(exchanges).flatMap(([topic, rows]) =>
    rows.map(([name, , otherwise]) => [`${topic} ${name}`, otherwise])));

function agrees(expected, got) {
    const text = expected.received instanceof RegExp ? expected.received.test(got.received)
        : expected.received === got.received;
    return text && expected.end === got.end;
}

async function replay({ sent }, expected) {
    const got = await exchange(server.port, sent, { enough: (so) => agrees(expected, so) });
    if (!agrees(expected, got)) assert.deepEqual(got, { received: expected.received, end: expected.end });
}

test('every exchange is recorded', () => {
    assert.deepEqual(golden.map(({ topic, name }) => `${topic} ${name}`), [...instead.keys()]);
});

// Where versions differ Cuib answers as 12 does.
for (const alike of [[10, 11, 12], [11, 12], [12]]) {
    const rows = golden.filter((row) => !instead.get(`${row.topic} ${row.name}`) &&
        versions.every((version) => alike.includes(version) === !row[`nest${version}`]));
    if (!rows.length) continue;
    describe(`Bytes, NestJS ${alike.join(' ')}`, { concurrency: true }, () => {
        for (const row of rows) test(`${row.topic}: ${row.name}`, () => replay(row, row));
    });
}

describe('Other bytes, on purpose', { concurrency: true }, () => {
    for (const row of golden) {
        const otherwise = instead.get(`${row.topic} ${row.name}`);
        if (otherwise)
            test(`${row.topic}: ${row.name}: ${otherwise.why}`, () => replay(row, otherwise));
    }
});
