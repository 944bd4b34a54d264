// A Redis server of the test's own: on a free port, in a directory that goes away, killed by its process id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { temporaryDirectory, until } from './support.mjs';

// An address of this process alone: while its Redis is down, nobody else can be found on its port.
const HOST = `127.${64 + (process.pid >> 16) % 64}.${(process.pid >> 8) & 255}.${process.pid & 255}`;

const children = new Set();
process.on('exit', () => { for (const child of children) child.kill('SIGKILL'); });

export async function freePort(host = '127.0.0.1') {
    const server = net.createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address();
    await new Promise((resolve) => { server.close(resolve); });
    return port;
}

const answers = (port) => new Promise((resolve) => {
    const socket = net.connect(port, HOST, () => socket.write('PING\r\n'));
    socket.on('data', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
});

/** Starts it, without persistence; `kill` and `start` again keep the port. */
export async function startRedis({ password } = {}) {
    const port = await freePort(HOST);
    const directory = temporaryDirectory();
    const redis = {
        host: HOST, port, password,
        async start() {
            const args = ['--port', port, '--bind', HOST, '--dir', directory, '--save', '',
                '--appendonly', 'no', ...(password ? ['--requirepass', password] : [])];
            redis.child = spawn('redis-server', args.map(String), { stdio: 'ignore' });
            redis.child.unref();
            children.add(redis.child);
            redis.ended = once(redis.child, 'exit');
            await until('Redis to answer', () => answers(port));
        },
        async kill(signal = 'SIGKILL') {
            redis.child.ref();
            redis.child.kill(signal);
            await redis.ended;
            children.delete(redis.child);
        },
        client: () => connectRedis(redis),
        url: () => `redis://${password ? `:${encodeURIComponent(password)}@` : ''}${HOST}:${port}`,
    };
    await redis.start();
    return redis;
}

// Takes one reply off the front of the text; undefined when it is not whole. Texts are Latin-1: one
// character a byte.
function readReply(text, at = 0) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const kind = text[at];
    const line = text.slice(at + 1, end);
    let next = end + 2;
    if (kind === '+') return { value: line, next };
    if (kind === '-') return { value: new Error(line), next };
    if (kind === ':') return { value: Number(line), next };
    if (kind === '$') {
        if (line === '-1') return { value: null, next };
        const stop = next + Number(line);
        if (text.length < stop + 2) return undefined;
        return { value: Buffer.from(text.slice(next, stop), 'latin1').toString(), next: stop + 2 };
    }
    const value = [];
    for (let i = 0; i < Number(line); i++) {
        const element = readReply(text, next);
        if (!element) return undefined;
        value.push(element.value);
        next = element.next;
    }
    return { value, next };
}

/** A connection to Redis: `command` gives the reply, messages of subscriptions gather in `messages`. */
export async function connectRedis({ port, password }) {
    const socket = net.connect(port, HOST).setNoDelay().setEncoding('latin1');
    const waiting = [];
    const client = { messages: [] };
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (more) => {
        text += more;
        for (let reply; (reply = readReply(text)); text = text.slice(reply.next)) {
            const [kind, ...rest] = Array.isArray(reply.value) ? reply.value : [];
            if (kind === 'message') client.messages.push({ channel: rest[0], payload: rest[1] });
            else if (kind === 'pmessage') client.messages.push({ channel: rest[1], payload: rest[2] });
            else waiting.shift()(reply.value);
        }
        if (!waiting.length) socket.unref(); // a test that fails must not keep the process alive
    });
    client.command = (...words) => new Promise((resolve) => {
        waiting.push(resolve);
        socket.ref();
        const parts = words.map((word) => Buffer.from(String(word)));
        socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((part) =>
            [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]));
    });
    client.publish = (channel, packet) => client.command('PUBLISH', channel,
        typeof packet === 'string' ? packet : JSON.stringify(packet));
    client.close = () => socket.destroy();
    await once(socket, 'connect');
    if (password) await client.command('AUTH', password);
    return client;
}
