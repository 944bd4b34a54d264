// Starts the real program in a directory of its own and talks to it from outside. Nothing here
// knows how Cuib works inside: what needs more than HTTP, signals and files is not tested here.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = path.resolve(process.env.CUIB_BINARY || path.join(repository, 'build/cuib'));
export const secret = 'a secret that is only for the tests, 48 bytes or so';
export const admin = { email: 'admin@example.com', password: 'the first of all admins' };
export const password = 'correct horse battery';
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const unauthorized = '{"message":"Unauthorized","statusCode":401}';
export const userKeys = [
    'id', 'email', 'name', 'isActive', 'roles', 'profile', 'createdAt', 'updatedAt',
];
export const orderKeys = [
    'id', 'userId', 'items', 'total', 'currency', 'shippingAddress', 'paymentMethod', 'status',
    'version', 'createdAt', 'updatedAt',
];
export const paymentKeys = ['id', 'orderId', 'amount', 'currency', 'status', 'createdAt'];

const START_MS = 20_000; // sanitizers are slow to start
const STOP_MS = 20_000;
const ANSWER_MS = 15_000;

const children = new Set();
const directories = [];
process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A directory that goes away with the test process. */
export function temporaryDirectory() {
    directories.push(mkdtempSync(path.join(tmpdir(), 'cuib-test-')));
    return directories.at(-1);
}

/** Asks `condition` again and again, gives the first value of it that is true, fails after `ms`. */
export async function until(what, condition, ms = START_MS) {
    const end = Date.now() + ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        assert.ok(Date.now() < end, `waited ${ms} ms in vain: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

// The environment holds nothing but PATH, the sanitizers' options and what the test says. A setting
// of undefined is one that is not set.
function environment(settings) {
    const kept = Object.entries(process.env)
        .filter(([name]) => /^(PATH|[A-Z]+SAN_OPTIONS)$/.test(name));
    const ours = {
        GATEWAY_PORT: 0, USER_SERVICE_PORT: 0, ORDER_SERVICE_PORT: 0, NOTIFICATION_SERVICE_PORT: 0,
        ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password,
        BCRYPT_COST: 4, JWT_SECRET: secret, ...settings,
    };
    const set = Object.entries(ours).filter(([, value]) => value !== undefined);
    return Object.fromEntries([...kept, ...set.map(([name, value]) => [name, String(value)])]);
}

/** Runs the program; `ended()` waits for {code, signal, stdout, stderr}. */
export function run(args, settings = {}) {
    const CUIB_DATA_DIR = settings.CUIB_DATA_DIR ?? temporaryDirectory();
    const env = environment({ ...settings, CUIB_DATA_DIR });
    const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    // A test that fails leaves its program running; that must not keep the test process alive.
    for (const handle of [child, child.stdout, child.stderr]) handle.unref();
    children.add(child);
    child.stdout.setEncoding('utf8').on('data', (text) => { output.stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { output.stderr += text; });
    const exit = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => {
            children.delete(child);
            resolve({ code, signal, ...output });
        });
    });
    return { child, output, exit, ended: () => within(exit, STOP_MS, 'cuib to end') };
}

/** Runs statements on a store; a row is a list of texts. */
export function sql(file, statements) {
    const program = path.join(path.dirname(binary), 'tests/sql');
    const text = execFileSync(program, [file, statements], { encoding: 'utf8' });
    return text.split('\n').slice(0, -1).map((row) => row.split('\t'));
}

/** Runs the program to its end, which must come soon, and gives its exit code and output. */
export function finished(args, settings) {
    const { child, ended } = run(args, settings);
    return ended().finally(() => child.kill('SIGKILL'));
}

export function within(promise, ms, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain: ${what}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const EXPLORER = /API explorer +http:\/\/127\.0\.0\.1:(\d+)/;
const LISTENING = /listening on http:\/\/127\.0\.0\.1:(\d+)/;

/** `cuib up` of all services, or of those named, ready to work. `port` is the gateway's, or that of
 * the one service; `portOf('UserService')` gives another's. Unless `ready` is false, it is ready. */
export async function start(settings = {}, services = [], { ready = true } = {}) {
    const { child, output, exit, ended } = run(['up', ...services], settings);
    let end;
    exit.then((result) => { end = result; }, (error) => { end = { stderr: error.message }; });
    const printed = (pattern) => until(`${pattern} on stdout`, () => {
        assert.ok(!end, `cuib ended with ${end?.code ?? end?.signal}: ${end?.stderr}`);
        return output.stdout.match(pattern)?.[1];
    });
    const alone = services.length && !services.includes('gateway');
    const port = Number(await printed(alone ? LISTENING : EXPLORER));
    const cuib = {
        port, output, ended, pid: child.pid,
        portOf: async (service) =>
            Number(await printed(new RegExp(`${service}.*127\\.0\\.0\\.1:(\\d+)`))),
        ...client(port),
        /** SIGTERM, which must end it with exit code 0. */
        async stop() {
            child.kill('SIGTERM');
            const { code, signal, stderr } = await ended();
            assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
        },
        kill() {
            child.kill('SIGKILL');
            return ended();
        },
    };
    if (ready) await until('cuib to be ready', async () => {
        const answer = await cuib.get('/health/ready').catch(() => null);
        return answer?.status === 200;
    });
    return cuib;
}

/** Sends one request, on a connection of its own unless there is an `agent`. A `body` that is no
 * text and no bytes becomes JSON. */
export function request(port, method, target, { body, token, headers = {}, agent = false } = {}) {
    const asIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const bytes = asIs ? body : JSON.stringify(body);
    const all = { ...headers };
    if (token) all.Authorization = `Bearer ${token}`;
    if (bytes !== undefined) {
        all['Content-Type'] ??= 'application/json';
        if (!all['Transfer-Encoding']) all['Content-Length'] = Buffer.byteLength(bytes);
    }
    return new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, method, path: target, headers: all, agent };
        const sent = http.request({ ...options, timeout: ANSWER_MS }, (answer) => {
            const chunks = [];
            answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject).on('end', () => {
                const text = Buffer.concat(chunks).toString();
                resolve({
                    status: answer.statusCode, headers: answer.headers, text,
                    get json() { return JSON.parse(text); },
                });
            });
        });
        sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${target}`)));
        sent.on('error', reject);
        sent.end(bytes);
    });
}

// What every test does with a running program.
function client(port) {
    const send = (method) => (target, options) => request(port, method, target, options);
    const post = send('POST');
    const login = (email, word = password) =>
        post('/auth/login', { body: { email, password: word } });
    const token = async (email, word) => {
        const answer = await login(email, word);
        assert.equal(answer.status, 200, answer.text);
        return answer.json.access_token;
    };
    const register = async (fields = {}) => {
        const answer = await post('/users', { body: { ...someone(), ...fields } });
        assert.equal(answer.status, 201, answer.text);
        return answer.json;
    };
    const order = async (user, fields = {}) => {
        const answer = await post('/orders', { token: user.token, body: { ...anOrder(), ...fields } });
        assert.equal(answer.status, 201, answer.text);
        return answer.json;
    };
    const pay = (user, { id }, paymentToken = 'tok_success', headers = {}) =>
        post(`/orders/${id}/payments`, { token: user.token, body: { paymentToken }, headers });
    let adminToken;
    return {
        get: send('GET'), head: send('HEAD'), put: send('PUT'), delete: send('DELETE'),
        options: send('OPTIONS'), post, login, token, register, order, pay,
        /** A registered user with a token: the user's fields and `token`. */
        async member(fields) {
            const user = await register(fields);
            return { ...user, token: await token(user.email, fields?.password) };
        },
        /** The token of the first admin. */
        admin() {
            adminToken ??= token(admin.email, admin.password);
            return adminToken;
        },
    };
}

export const freshEmail = () => `${randomUUID()}@example.com`;

/** One item that costs that much. */
export const item = (price = 49.9, quantity = 1) =>
    ({ productId: 'book-1', name: 'Ion', price, quantity });
export const address = { street: 'Strada Lungă 1', city: 'Iași', postalCode: '700001', country: 'RO' };
export const anOrder = () => ({
    items: [item(49.9, 2), item(0.1)], shippingAddress: address, paymentMethod: 'card',
});
export const someone = () => ({ email: freshEmail(), password, name: 'Ana Pop' });

const HS256 = { alg: 'HS256', typ: 'JWT' };

/** A JSON Web Token; `header.alg` says what it claims, `hash` what is computed (null: nothing). */
export function jwt(claims, { header = HS256, key = secret, hash = 'sha256' } = {}) {
    const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    const signed = `${part(header).toString('base64url')}.${part(claims).toString('base64url')}`;
    return `${signed}.${hash ? createHmac(hash, key).update(signed).digest('base64url') : ''}`;
}

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
export const now = () => Math.floor(Date.now() / 1000);

/** A connection for bytes that no HTTP client would send. `closed` resolves when it has ended. */
export function connect(port) {
    const socket = net.connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1');
    const connection = { socket, text: '', opened: Date.now() };
    socket.on('data', (text) => { connection.text += text; });
    socket.on('error', () => {}); // a reset is an end, too
    connection.closed = new Promise((resolve) => { socket.on('close', resolve); });
    return connection;
}

/** Sends bytes on a connection of their own and gives all that comes back until it is closed. */
export async function exchange(port, bytes, ms = ANSWER_MS) {
    const connection = connect(port);
    connection.socket.write(bytes);
    await within(connection.closed, ms, `an end after ${JSON.stringify(String(bytes))}`)
        .finally(() => connection.socket.destroy());
    return connection.text;
}

/** The answers in a text that came over one connection; a chunked body may be an empty one only. */
export function answers(text) {
    const found = [];
    while (text !== '') {
        const end = text.indexOf('\r\n\r\n');
        assert.notEqual(end, -1, `not an answer: ${text}`);
        const head = text.slice(0, end);
        const chunked = /^transfer-encoding: *chunked/im.test(head);
        const length = chunked ? 5 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        const body = text.slice(end + 4, end + 4 + length);
        if (chunked) assert.equal(body, '0\r\n\r\n');
        found.push({ status: Number(head.split(' ')[1]), head, body: chunked ? '' : body });
        text = text.slice(end + 4 + length);
    }
    return found;
}
