// The system whose parts are killed: programs of cuib, Redis and a mail server, in one of three shapes.
//
//     redis     gateway, user, order and notification are processes of their own; events go over Redis Streams
//     tcp       the same without Redis
//     embedded  one process, cuib
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { startRedis } from '../system/redis.mjs';
import { startSmtpSink } from '../system/smtp-sink.mjs';
import { finished } from '../system/support.mjs';
import { Link } from './link.mjs';
import { Program, Redis, Sink } from './targets.mjs';

const SHAPES = ['redis', 'tcp', 'embedded'];
const SERVICES = ['gateway', 'user', 'order', 'notification'];
const portName = (service) => `${service === 'gateway' ? 'GATEWAY' : `${service.toUpperCase()}_SERVICE`}_PORT`;

// Below the ports that connections get, so that none takes it while its owner is dead.
async function steadyPort() {
    for (;;) {
        const port = 12_000 + Math.floor(Math.random() * 20_000);
        const server = net.createServer();
        const free = await new Promise((resolve) => {
            server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
        });
        if (!free) continue;
        await new Promise((resolve) => { server.close(resolve); });
        return port;
    }
}

async function knowsMail() {
    const { stdout } = await finished(['help']);
    return stdout.includes('SMTP_HOST');
}

async function commonSettings({ redis, sink, mail }) {
    const settings = {
        USER_SERVICE_HOST: '127.0.0.1', // not over Redis: orders are taken while it is away
        PAYMENT_RETRY_MS: 200,
        ...(redis && { REDIS_HOST: redis.host, REDIS_PORT: redis.port }),
        ...(mail ? { SMTP_HOST: '127.0.0.1', SMTP_PORT: sink.port, SMTP_TLS: 'none' } : { EVENT_CONSUMERS: 'user' }),
    };
    for (const name of SERVICES) settings[portName(name)] = await steadyPort();
    return settings;
}

// The ways of the events, as links that can be cut: {links: {name: Link}, common and order: settings that lead there}.
async function makeLinks(shape, redis, settings) {
    const links = {}, common = {}, order = {};
    const link = async (name, to) => {
        links[name] = await new Link(await steadyPort(), to).listen();
        return links[name].port;
    };
    if (shape === 'redis') {
        common.REDIS_PORT = await link('link to redis', { host: redis.host, port: redis.port });
        common.REDIS_HOST = '127.0.0.1';
    }
    if (shape === 'tcp') for (const name of ['user', 'notification'])
        order[`${name.toUpperCase()}_SERVICE_HOST`] =
            `127.0.0.1:${await link(`link to ${name}`, { host: '127.0.0.1', port: settings[portName(name)] })}`;
    return { links, common, order };
}

function makePrograms({ shape, directory, settings, order, mail, complaints }) {
    const services = SERVICES.filter((name) => mail || name !== 'notification');
    const make = (name, args, ofService) => {
        const CUIB_DATA_DIR = path.join(directory, name);
        const all = { ...settings, ...(name === 'order' && order), CUIB_DATA_DIR };
        mkdirSync(CUIB_DATA_DIR, { recursive: true });
        return new Program(name, args, all, settings[portName(ofService)], complaints);
    };
    if (shape === 'embedded') return [make('cuib', services, 'gateway')];
    return services.map((name) => make(name, [name], name));
}

/** Starts everything: `shape`; `directory` for the data; `mail: false` leaves the notification service out; `links:
 * true` lets the events go ways that can be cut; `settings` are given to all programs beside those that are needed. */
export async function setStage({ shape, directory, settings: given = {}, ...wanted }) {
    assert.ok(SHAPES.includes(shape), `no such shape: ${shape}`);
    const redis = shape === 'redis' ? await startRedis() : undefined;
    const sink = await startSmtpSink({ port: await steadyPort() });
    const mail = wanted.mail !== false && await knowsMail();
    const common = await commonSettings({ redis, sink, mail });
    const ways = wanted.links ? await makeLinks(shape, redis, common) : { links: {} };
    const complaints = [];
    const programs = makePrograms({
        shape, directory, mail, complaints, settings: { ...common, ...ways.common, ...given }, order: ways.order,
    });
    for (const program of programs) program.start();
    for (const program of programs) await program.ready();

    const targets = { ...Object.fromEntries(programs.map((program) => [program.name, program])), ...ways.links };
    if (redis) targets.redis = new Redis(redis);
    if (mail) targets.sink = new Sink(sink);
    const store = (name) => path.join(directory, shape === 'embedded' ? 'cuib' : name, `${name}.sqlite`);
    return {
        directory, programs, targets, redis, sink, mail, complaints, store,
        port: common.GATEWAY_PORT,
        /** Who mails: whose death between a mail's acceptance and its note explains a second copy. */
        mailer: shape === 'embedded' ? 'cuib' : 'notification',
        /** Who has a checkpoint in the order store. */
        subscribers: ['user', ...(mail ? ['notification'] : []), ...(redis ? ['pubsub'] : [])],
        ready: () => Promise.all(programs.map((program) => program.ready())),
        async stop() {
            for (const program of programs) await program.end('SIGTERM');
            for (const link of Object.values(ways.links)) await link.close();
            await redis?.kill();
            await sink.close();
        },
        /** What `cuib verify` says of the orders' store, by lines. */
        async verify() {
            const { stdout, stderr } = await finished(['verify'], { CUIB_DATA_DIR: path.dirname(store('order')) });
            return (stdout + stderr).trim().split('\n');
        },
    };
}
