// What the tests have in common: the NestJS versions, their clients, and programs that run beside a test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { after, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { binary, request, temporaryDirectory, until, within } from '../system/support.mjs';

export const versions = [10, 11, 12];
const here = path.dirname(fileURLToPath(import.meta.url));
const ANSWER_MS = 20_000;
const STOP_MS = 20_000;

// They are there before the first suite is defined: one that waits for something begins to run the others.
const nests = await Promise.all(versions.map(async (version) => {
    const packages = await import(`./nest${version}/packages.mjs`);
    packages.common.Logger.overrideLogger(false);
    return { version, ...packages };
}));

/** One suite for each version, `options.concurrency` of them at once; `define(nest)` gets its packages. */
export function everyVersion(topic, options, define) {
    describe(topic, options, () => {
        for (const nest of nests)
            describe(`${topic}, NestJS ${nest.version}`, options, () => define(nest));
    });
}

// --- NestJS's clients -------------------------------------------------------------------------------

const open = new Set();
// A test that fails leaves its client open; that must not keep the test process alive.
after(() => Promise.all([...open].map((proxy) => proxy.close())));

function client(nest, transport, options) {
    const { microservices, rxjs } = nest;
    const proxy = microservices.ClientProxyFactory.create({ transport, options });
    open.add(proxy);
    const send = (pattern, data, ms = ANSWER_MS) => rxjs.lastValueFrom(
        proxy.send(pattern, data).pipe(rxjs.timeout(ms), rxjs.toArray()));
    return {
        proxy,
        /** All values that come back. */
        send,
        /** The one value that comes back. */
        async value(pattern, data) {
            const values = await send(pattern, data);
            assert.equal(values.length, 1, JSON.stringify(values));
            return values[0];
        },
        /** What the call fails with. */
        refusal: (pattern, data, ms) => send(pattern, data, ms).then(
            (values) => assert.fail(`answered ${JSON.stringify(values)}`),
            (error) => {
                if (error instanceof assert.AssertionError) throw error;
                return error;
            }),
        emit: (pattern, data) => rxjs.lastValueFrom(
            proxy.emit(pattern, data).pipe(rxjs.timeout(ANSWER_MS)), { defaultValue: undefined }),
        async close() {
            open.delete(proxy);
            await proxy.close();
        },
    };
}

export const tcp = (nest, port, options = {}) =>
    client(nest, nest.microservices.Transport.TCP, { host: '127.0.0.1', port, ...options });
export const redis = (nest, port, options = {}) =>
    client(nest, nest.microservices.Transport.REDIS, { host: '127.0.0.1', port, ...options });

// --- programs ----------------------------------------------------------------------------------------

const children = new Set();
process.on('exit', () => { for (const child of children) child.kill('SIGKILL'); });

// Ports of this process alone, below those that are given to whoever asks for any: nobody gets one by chance while
// its owner restarts.
const PORTS = 200;
const firstPort = 10_000 + PORTS * (process.pid % 100);
let portsTaken = 0;

/** A port that nobody listens on, and that stays so. */
export function freePort() {
    const port = firstPort + portsTaken++ % PORTS;
    return new Promise((resolve) => {
        const server = net.createServer().on('error', () => resolve(freePort()));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
    });
}

/** Runs a program until it has printed `ready`; its first group, if any, is the `port`. */
export async function program(command, args, settings, ready) {
    const kept = Object.entries(process.env).filter(([name]) => /^(PATH|[A-Z]+SAN_OPTIONS)$/.test(name));
    const env = { ...Object.fromEntries(kept), NO_COLOR: '1', ...settings };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const handle of [child, child.stdout, child.stderr]) handle.unref();
    const output = { stdout: '', stderr: '' };
    let end;
    children.add(child);
    child.stdout.setEncoding('utf8').on('data', (text) => { output.stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { output.stderr += text; });
    const exit = new Promise((resolve) => {
        child.on('error', (error) => resolve({ code: error.code, signal: null }));
        child.on('close', (code, signal) => resolve({ code, signal }));
    }).then((result) => {
        children.delete(child);
        end = result;
        return result;
    });
    const ended = () => within(exit, STOP_MS, `${command} to end`);
    const found = await until(`${ready} of ${command} ${args.join(' ')}`, () => {
        assert.ok(!end, `${command} ended: ${JSON.stringify(end)} ${output.stderr}${output.stdout}`);
        return output.stdout.match(ready);
    });
    return {
        port: Number(found[1]), output, ended,
        signal: (name) => child.kill(name),
        kill() {
            child.kill('SIGKILL');
            return ended();
        },
        /** SIGTERM, which must end it with exit code 0. */
        async stop() {
            child.kill('SIGTERM');
            assert.deepEqual(await ended(), { code: 0, signal: null }, output.stderr);
        },
    };
}

/** The echo service in C, which the build makes beside the program that is tested, ready to work. */
export async function echoServer(settings = {}) {
    const server = await program(path.join(path.dirname(binary), 'tests/echo-server'), [],
        { PORT: '0', CUIB_DATA_DIR: temporaryDirectory(), ...settings }, /listening on \S+:(\d+)/);
    await until('the echo server to be ready', async () =>
        (await request(server.port, 'GET', '/health/ready')).status === 200);
    return server;
}

/** A service or gateway written for NestJS: `name` is its file. `settings` are its environment. */
export async function nestProgram(name, version, settings = {}) {
    const PORT = String(settings.PORT ?? await freePort());
    return program(process.execPath, [path.join(here, name), String(version)],
        { ...settings, PORT }, /listening on (\d+)/);
}

/** A Redis without a disk. */
export async function redisServer(port) {
    const at = port ?? await freePort();
    const args = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const started = await program('redis-server', args, {}, /Ready to accept connections/);
    return { ...started, port: at };
}
