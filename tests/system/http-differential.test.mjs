// The same bytes to Cuib, nginx and Node.js. What both of them refuse, Cuib refuses; nobody is ever served a
// second request out of the body of the first; and where Cuib is stricter than both, the table says why.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { cases } from './http-differential-cases.mjs';
import { start, temporaryDirectory, until } from './support.mjs';

const QUIET_MS = 1500; // a server that says nothing for so long waits for more
const AT_ONCE = 16;

// Statuses that say that the request was not taken as one; any other is an answer of whoever serves it.
const refusals = new Set([400, 405, 408, 411, 413, 414, 417, 431, 501, 505]);

let cuib, node, nginx;

// nginx passes the requests on, so that it has to read their bodies.
function nginxConfiguration(directory, port) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`).join(' ');
    return `
daemon off; master_process off; worker_processes 1;
pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 256; }
http {
    access_log off; ${temporary}
    client_max_body_size 100k;
    server { listen unix:${directory}/behind.sock; location / { return 200 "target=$request_uri\n"; } }
    server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://unix:${directory}/behind.sock; }
    }
}`;
}

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

function connects(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); resolve(true); });
        socket.on('error', () => resolve(false));
    });
}

function nginxProgram() {
    const found = spawnSync('sh', ['-c', 'command -v nginx'], { encoding: 'utf8' }).stdout.trim();
    return found || (existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx');
}

async function startNginx() {
    const directory = temporaryDirectory();
    const port = await freePort();
    mkdirSync(path.join(directory, 'logs'));
    writeFileSync(path.join(directory, 'nginx.conf'), nginxConfiguration(directory, port));
    const child = spawn(nginxProgram(), ['-p', directory, '-c', path.join(directory, 'nginx.conf')],
        { stdio: 'ignore' });
    let failed;
    child.on('error', (error) => { failed = error; });
    process.on('exit', () => child.kill());
    await until('nginx to listen', () => {
        assert.ok(!failed, `nginx does not start: ${failed}`);
        return connects(port);
    });
    return { port, stop: () => child.kill() };
}

async function startNode() {
    const server = http.createServer((request, response) => {
        request.on('error', () => {});
        request.resume().on('end', () => response.end(`target=${request.url}`));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: server.address().port, stop: () => { server.close(); server.closeAllConnections(); } };
}

// Sends the bytes, `step` of them at a time, and gives what comes back until the server closes or is quiet.
async function exchange(port, bytes, step = bytes.length) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => { text += data; });
    const ended = new Promise((resolve) => {
        socket.setTimeout(QUIET_MS, resolve);
        socket.on('end', resolve).on('close', resolve).on('error', resolve);
    });
    for (let at = 0; at < bytes.length && socket.writable; at += step) {
        socket.write(Buffer.from(bytes.slice(at, at + step), 'latin1'));
        if (step < bytes.length) await new Promise(setImmediate);
    }
    await ended;
    socket.destroy();
    return text;
}

function outcomeOf(text) {
    const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]));
    return {
        statuses,
        served: statuses.filter((status) => status >= 200 && !refusals.has(status)).length,
        smuggled: text.includes('/smuggled'),
    };
}

const probe = async (server, bytes, step) => outcomeOf(await exchange(server.port, bytes, step));

async function inParallel(items, work) {
    const rest = [...items];
    const worker = async () => {
        while (rest.length) await work(rest.shift());
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

before(async () => {
    [cuib, nginx, node] = await Promise.all([start(), startNginx(), startNode()]);
});

after(async () => {
    nginx?.stop();
    node?.stop();
    await cuib?.stop();
});

function problems({ name, served, stricter }, ours, pieces, theirs) {
    const found = [];
    const say = (text) => found.push(`${name}: ${text}`);
    const counts = theirs.map((outcome) => outcome.served);
    if (ours.served !== served) say(`serves ${ours.served} instead of ${served} (${ours.statuses})`);
    if (ours.smuggled || pieces.smuggled) say('serves what was smuggled');
    if (pieces.served !== ours.served) say(`serves ${pieces.served} when it comes in pieces`);
    if (ours.served > 0 && counts.every((count) => count === 0)) say('the others refuse it');
    if (ours.served < Math.min(...counts) && !stricter) say(`the others serve ${counts}`);
    return found;
}

test('every request is framed as nginx and Node.js frame it, or refused', async () => {
    const found = [];
    assert.ok(cases.length >= 80);
    await inParallel(cases, async (row) => {
        const [ours, pieces, ...theirs] = await Promise.all([
            probe(cuib, row.bytes),
            probe(cuib, row.bytes, Math.max(1, Math.ceil(row.bytes.length / 500))),
            probe(nginx, row.bytes),
            probe(node, row.bytes),
        ]);
        found.push(...problems(row, ours, pieces, theirs));
    });
    assert.deepEqual(found, []);
});

test('a refusal is an answer in JSON that ends the connection', async () => {
    await inParallel(cases.filter((row) => row.served === 0), async ({ name, bytes }) => {
        const text = await exchange(cuib.port, bytes);
        if (text === '') return; // it waits for the rest of a body
        assert.match(text, /^HTTP\/1\.1 [45]\d\d [^\r]+\r\n/, name);
        assert.match(text, /\r\nConnection: close\r\n/, name);
        const { statusCode } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
        assert.equal(statusCode, Number(text.slice(9, 12)), name);
    });
});
