#!/usr/bin/env node
// Writes golden-frames.json: what NestJS 12 answers to each row of golden-exchanges.mjs, and what 10 and 11 answer
// where that differs. To be run by hand when a row or a version has changed, after tests/interop/install.
import { writeFileSync } from 'node:fs';
import { exchange, exchanges } from './golden-exchanges.mjs';
import { nestProgram } from './support.mjs';

const QUIET_MS = 2000; // longer than any row takes, 12,000 complaints of a logger among them

async function record(version) {
    const service = await nestProgram('echo-service.mjs', version);
    const answers = [];
    for (const rows of Object.values(exchanges))
        answers.push(...await Promise.all(rows.map(([, sent]) =>
            exchange(service.port, sent, { quietMs: QUIET_MS }))));
    await service.kill();
    return answers;
}

const [ten, eleven, twelve] = [await record(10), await record(11), await record(12)];
const same = (a, b) => a.received === b.received && a.end === b.end;
const golden = Object.entries(exchanges)
    .flatMap(([topic, rows]) => rows.map(([name, sent]) => ({ topic, name, sent })))
    .map((row, i) => ({
        ...row, ...twelve[i],
        ...(!same(eleven[i], twelve[i]) && { nest11: eleven[i] }),
        ...(!same(ten[i], twelve[i]) && { nest10: ten[i] }),
    }));
const file = new URL('golden-frames.json', import.meta.url);
writeFileSync(file, `[\n${golden.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
console.log(`${golden.length} exchanges`);
