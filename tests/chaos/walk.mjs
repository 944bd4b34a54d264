// Walks through the system calls that one request leads to, and kills the whole system at each of them: it is started on the
// same data again, and the operation looks at what is there and sends its request again.
//
// SIGKILL leaves what was written in the kernel's hands, so this is about transactions that break off, not about
// power that fails: whether fdatasync is called before an answer is seen in the table of the walk.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { binary, finished, start, temporaryDirectory, until, within } from '../system/support.mjs';

const killer = path.join(path.dirname(binary), 'tests/kill-at');
const ANSWER_MS = 10_000;
const QUIET_MS = 40; // after the answer, for what the system does with an order then

/** How many points of an operation are tried: a number, or `all`. */
const sample = process.env.KILL_SAMPLE || '12';

// Follows the process; `reached` is the line that it prints at the end, {n, call}.
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
        /** What it counted, and the call at which it killed, if it did. */
        async end() {
            child.kill('SIGTERM');
            await within(closed, ANSWER_MS, 'kill-at to end');
            const [, count, call] = /^ready\n(\d+) (\S+)\n$/.exec(text) ?? assert.fail(text + complaint);
            return { count: Number(count), call: call === '-' ? undefined : call };
        },
    };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One request, and what came of it: the answer, if there was one, and the system call at which the system
// was killed, if it came to that. n = 0 kills nothing.
async function interrupted(cuib, n, send) {
    const killed = await follow(cuib.pid, n);
    const sending = send().catch(() => undefined);
    const answer = await within(sending, ANSWER_MS, 'an answer or an end');
    if (answer) await Promise.race([killed.closed, pause(QUIET_MS)]);
    return { answer, ...await killed.end() };
}

function points(count) {
    const all = Array.from({ length: count }, (_, i) => i + 1);
    if (sample === 'all') return all;
    const many = Math.min(count, Math.max(2, Number(sample)));
    return Array.from({ length: many }, (_, i) => 1 + Math.round(i * (count - 1) / (many - 1)));
}

function print(name, rows) {
    console.log(`\n${name}: killed at ${rows.length} points`);
    console.log('    n  system call     acknowledged  found after restart');
    for (const { n, call, answer, found } of rows)
        console.log(`${String(n).padStart(5)}  ${(call ?? '(over)').padEnd(14)}  ` +
            `${(answer ? 'yes' : 'no').padEnd(12)}  ${found}`);
}

/** Kills the system at the points of an operation, which has
 *
 *     name
 *     prepare(cuib)                         what the request needs, different each time
 *     send(cuib, prepared)                  the request
 *     check(cuib, prepared, acknowledged)   looks at what is there after the restart, sends the request again,
 *                                           gives a word for what it found at first; fails if that is wrong
 *
 * and gives rows {n, call, answer, found}. The points end where nothing is done any more for the request. */
export async function walk(operation, settings = {}) {
    const all = { ...settings, CUIB_DATA_DIR: temporaryDirectory() };
    let cuib = await start(all);
    const prepared = await operation.prepare(cuib);
    const { answer, count } = await interrupted(cuib, 0, () => operation.send(cuib, prepared));
    assert.equal(answer?.status, 201, answer?.text);
    await operation.check(cuib, prepared, answer);

    const rows = [];
    for (const n of points(count)) {
        const ready = await operation.prepare(cuib);
        const row = { n, ...await interrupted(cuib, n, () => operation.send(cuib, ready)) };
        if (row.answer) assert.equal(row.answer.status, 201, row.answer.text);
        await cuib.kill();
        const { code, stdout } = await finished(['verify'], all);
        const where = `${operation.name}, killed at system call ${n}, ${row.call}`;
        assert.equal(code, 0, `${where}: ${stdout}`);
        cuib = await start(all);
        try {
            row.found = await operation.check(cuib, ready, row.answer);
        } catch (error) {
            error.message = `${where}, ${row.answer ? 'acknowledged' : 'no answer'}: ${error.message}`;
            print(operation.name, rows);
            throw error;
        }
        rows.push(row);
    }
    await cuib.stop();
    const { code, stdout } = await finished(['verify'], all);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^0 problems$/m);
    print(operation.name, rows);
    return rows;
}
