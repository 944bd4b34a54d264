// Reads at a fixed rate while others log in without pause; prints what came of both as JSON.
//
// The reads are an open loop: each has its moment, whether or not those before it were answered, and
// its latency counts from that moment. So a server that stands still for a second is charged for
// every read of that second, not for the one that a waiting client would have sent. The logins are a
// closed loop: each client sends the next one when the last one was answered.
//
// usage: load.mjs JSON
//     {port, path, token, rate, credentials: [{email, password}…], warmup, seconds}
//     one client logs in per row of credentials; none: reads alone
import http from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';

const TIMEOUT_MS = 30_000; // Longer than a login waits, also when the machine is busy with other things.
const SPIN_MS = 2; // A timer may be this late, so the last bit of each wait is spent looking at the clock.

const plan = JSON.parse(process.argv[2]);
const agent = new http.Agent({ keepAlive: true });
const begin = performance.now() + plan.warmup * 1000;
const end = begin + plan.seconds * 1000;
let retries = 0;

function timedOut() {
    return Object.assign(new Error('no answer'), { code: 'timeout' });
}

/** Resolves to the status, or to the code of what went wrong. */
function ask(method, path, headers, body) {
    return new Promise((resolve) => {
        const options = { port: plan.port, host: '127.0.0.1', method, path, headers, agent };
        const request = http.request({ ...options, timeout: TIMEOUT_MS }, (response) => {
            response.on('end', () => resolve(response.statusCode));
            response.on('error', (failed) => resolve(failed.code));
            response.resume();
        });
        request.on('timeout', () => request.destroy(timedOut()));
        request.on('error', (failed) => {
            // The server closed a connection that had been idle for long at the moment when it was used.
            const crossed = request.reusedSocket && failed.code === 'ECONNRESET';
            if (crossed) retries += 1;
            resolve(crossed ? ask(method, path, headers, body) : failed.code);
        });
        request.end(body);
    });
}

function tally() {
    return { latencies: [], errors: {} };
}

/** `from` decides whether it belongs to the time that is measured. */
function count(into, status, from, milliseconds) {
    if (from < begin || from >= end) return;
    if (status >= 200 && status < 300) into.latencies.push(milliseconds);
    else into.errors[status] = (into.errors[status] ?? 0) + 1;
}

async function until(moment) {
    const rest = moment - performance.now() - SPIN_MS;
    if (rest > 1) await setTimeout(rest);
    while (performance.now() < moment) await setImmediate();
}

async function readAtRate(into, late) {
    const headers = { authorization: `Bearer ${plan.token}` };
    const running = new Set();
    for (let due = performance.now(); due < end; due += 1000 / plan.rate) {
        await until(due);
        if (due >= begin) late.push(performance.now() - due);
        const read = ask('GET', plan.path, headers).then((status) => {
            count(into, status, due, performance.now() - due);
            running.delete(read);
        });
        running.add(read);
    }
    await Promise.all(running);
}

async function logInWithoutPause(into, credentials) {
    const body = JSON.stringify(credentials);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    for (let sent = performance.now(); sent < end; sent = performance.now()) {
        const status = await ask('POST', '/auth/login', headers, body);
        const answered = performance.now();
        count(into, status, answered, answered - sent);
    }
}

function summary({ latencies, errors }) {
    const sorted = latencies.sort((a, b) => a - b);
    const at = (share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
    return { count: sorted.length, errors, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const reads = tally();
const logins = tally();
const late = tally();
await Promise.all([
    readAtRate(reads, late.latencies),
    ...plan.credentials.map((credentials) => logInWithoutPause(logins, credentials)),
]);
agent.destroy();
console.log(JSON.stringify({
    reads: summary(reads), logins: summary(logins), late: summary(late), retries,
}));
