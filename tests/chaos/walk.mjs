// Walks through the system calls that one request leads to and kills the whole system at each of them, always on a
// copy of the same data, so that the n-th call is about the same one each time. Then the system is started on what is
// left, and the operation looks at it and sends its request again. `cuib verify` has to be content before and after.
//
// This is about work that breaks off, not about power that fails: what was written before SIGKILL the kernel keeps,
// with fdatasync and without.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { binary, finished, start, temporaryDirectory, until, within } from '../system/support.mjs';

const killer = path.join(path.dirname(binary), 'tests/kill-at');
const ANSWER_MS = 10_000;
const QUIET_MS = 40; // after the answer, for what the system does with an order then

/** How many points of an operation are tried, evenly spaced: a number, or `all`. */
const sample = process.env.KILL_SAMPLE || '24';

// Has the process killed at its n-th system call from now on; 0 kills nothing.
async function follow(pid, n) {
    const child = spawn(killer, [pid, n], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, complaint] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (more) => { text += more; });
    child.stderr.setEncoding('utf8').on('data', (more) => { complaint += more; });
    const closed = new Promise((resolve) => { child.on('close', resolve); });
    await until('kill-at to be attached', () => {
        assert.equal(complaint, '');
        return text.startsWith('ready\n');
    });
    return {
        closed,
        /** How many calls there were, and the one at which the process was killed, if it came to that. */
        async end() {
            child.kill('SIGTERM');
            await within(closed, ANSWER_MS, 'kill-at to end');
            const [, count, call] = /^ready\n(\d+) (\S+)\n$/.exec(text) ?? assert.fail(text + complaint);
            return { count: Number(count), call: call === '-' ? undefined : call };
        },
    };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Sends the request and gives its answer, if there was one, and what `follow` has to say.
async function interrupted(cuib, n, send) {
    const killed = await follow(cuib.pid, n);
    const answer = await within(send().catch(() => undefined), ANSWER_MS, 'an answer or an end');
    if (answer) await Promise.race([killed.closed, pause(QUIET_MS)]);
    return { answer, ...await killed.end() };
}

async function verify(settings) {
    const { code, stdout } = await finished(['verify'], settings);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^0 problems$/m);
}

// One point of the walk: {n, answer, count, call, found}.
async function killAt(n, operation, known, template) {
    const all = { ...operation.settings, CUIB_DATA_DIR: temporaryDirectory() };
    cpSync(template, all.CUIB_DATA_DIR, { recursive: true });
    const first = await start(all);
    await operation.warmUp(first, known);
    const row = { n, ...await interrupted(first, n, () => operation.send(first, known)) };
    await first.kill();
    try {
        if (row.answer) assert.equal(row.answer.status, 201, row.answer.text);
        await verify(all);
        const second = await start(all);
        row.found = await operation.check(second, known, row.answer);
        await second.stop();
        await verify(all);
    } catch (error) {
        error.message = `${operation.name}, killed at system call ${n} (${row.call}), ` +
            `${row.answer ? 'acknowledged' : 'not acknowledged'}: ${error.message}`;
        throw error;
    }
    rmSync(all.CUIB_DATA_DIR, { recursive: true });
    return row;
}

function points(count) {
    const many = sample === 'all' ? count : Math.min(count, Math.max(2, Number(sample)));
    return Array.from({ length: many }, (_, i) => 1 + Math.round(i * (count - 1) / (many - 1)));
}

function print(name, rows) {
    const found = {};
    for (const row of rows) found[row.found] = (found[row.found] ?? 0) + 1;
    const acknowledged = rows.filter(({ answer }) => answer).length;
    const counts = Object.entries(found).map(([word, count]) => `${word}: ${count}`).join(', ');
    console.log(`\n${name}, killed at ${rows.length} points (acknowledged: ${acknowledged}; ${counts})`);
    console.log('    n  system call     acknowledged  found after restart');
    for (const { n, call, answer, found } of rows)
        console.log(`${String(n).padStart(5)}  ${(call ?? '(over)').padEnd(14)}  ` +
            `${(answer ? 'yes' : 'no').padEnd(12)}  ${found}`);
}

/** Kills the system at the points of an operation, which has
 *
 *     name
 *     prepare(cuib)                      makes what the request needs, once, and gives what the others need to know
 *     warmUp(cuib, known)                the same with other data, so that nothing is done for the first time
 *     send(cuib, known)                  the request
 *     check(cuib, known, acknowledged)   looks at what is there after the restart, sends the request again, gives a
 *                                        word for what there was at first; fails when something is wrong
 *     settings                           of the system, unless it does with the usual ones
 *
 * and gives a row {n, call, answer, found} for each. The last point is one that comes after the answer. */
export async function walk(operation) {
    const template = temporaryDirectory();
    const cuib = await start({ ...operation.settings, CUIB_DATA_DIR: template });
    const known = await operation.prepare(cuib);
    await cuib.stop();
    const point = (n) => killAt(n, operation, known, template);
    const { answer, count } = await point(0);
    assert.ok(answer, 'nobody was killed, and there was no answer');

    const rows = [];
    try {
        for (const n of points(count)) rows.push(await point(n));
        for (let n = count + 1; !rows.at(-1).answer; n++) rows.push(await point(n));
    } finally {
        print(operation.name, rows);
    }
    return rows;
}
