// How fast events come from the order service to those who hear of them, over each carrier: within the process, over
// the TCP wire and over Redis Streams.
//
// usage: bench/events.mjs [--events 20000] [--rate 50] [--seconds 20] [--rounds 3]
//
// --events   how many wait for the user service when it is started; events a second is how fast it has them on its
//            disk, each with its entry in the inbox
// --rate     orders a second that are sent while nothing else goes on
// --seconds  for that long. The notification service notes each order in its store, and mails it to a mail server on
//            this machine: how long that takes, from the event's append and from the client's 201
// --rounds   of both. A figure is the median of the rounds, with the smallest and the largest
//
// Takes build/cuib, or CUIB_BINARY, and tests/sql beside it (ninja -C build tests/sql).
import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { percentile } from '../tests/chaos/figures.mjs';
import { pause } from '../tests/chaos/pause.mjs';
import { settle } from '../tests/chaos/quiet.mjs';
import { openShop } from '../tests/chaos/shop.mjs';
import { setStage } from '../tests/chaos/stage.mjs';
import { number, rows } from '../tests/chaos/store.mjs';
import { address, admin, item, request, temporaryDirectory } from '../tests/system/support.mjs';

const CARRIERS = [
    { shape: 'embedded', name: 'within the process' },
    { shape: 'tcp', name: 'TCP' },
    { shape: 'redis', name: 'Redis Streams' },
];
const IN_FLIGHT = 256;
const USER = '11111111-1111-4111-8111-111111111111';
const WARM_UP_S = 2;

const { values } = parseArgs({ options: {
    events: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h' },
} });
if (values.help) {
    console.log('usage: bench/events.mjs [--events 20000] [--rate 50] [--seconds 20] [--rounds 3]\n' +
        'The head of the file says what is measured.');
    process.exit(0);
}
const [events, rate, seconds, rounds] = ['events', 'rate', 'seconds', 'rounds'].map((name) => Number(values[name]));

/* --- a backlog ------------------------------------------------------------------------------------ */

// Orders over the messages' wire, many at a time: nobody but the order service has to be there.
async function fill(port) {
    const data = { userId: USER, items: [item()], shippingAddress: address, paymentMethod: 'card' };
    const socket = net.connect(port, '127.0.0.1').setNoDelay().setEncoding('utf8');
    await once(socket, 'connect');
    let sent = 0, done = 0, text = '';
    const send = () => {
        const packet = JSON.stringify({ pattern: 'order.create', data, id: String(sent++) });
        socket.write(`${packet.length}#${packet}`);
    };
    for (let i = 0; i < Math.min(IN_FLIGHT, events); i++) send();
    for await (const more of socket) {
        text += more;
        for (;;) {
            const mark = text.indexOf('#');
            const end = mark + 1 + Number(text.slice(0, mark));
            if (mark < 0 || text.length < end) break;
            const { err } = JSON.parse(text.slice(mark + 1, end));
            if (err) throw new Error(JSON.stringify(err));
            text = text.slice(end);
            if (++done === events) return;
            if (sent < events) send();
        }
    }
    throw new Error('the order service closed the connection');
}

const nobody = { EVENT_CONSUMERS: 'none' };

/** A directory with an order store that has so many events of which nobody has heard. */
async function makeBacklog() {
    const directory = temporaryDirectory();
    const stage = await setStage({ shape: 'tcp', directory, mail: false, settings: nobody });
    await fill(stage.targets.order.port);
    await stage.stop();
    return path.join(directory, 'order');
}

async function drain(shape, backlog) {
    const directory = temporaryDirectory();
    const folder = path.join(directory, shape === 'embedded' ? 'cuib' : 'order');
    mkdirSync(folder);
    cpSync(backlog, folder, { recursive: true });
    const stage = await setStage({ shape, directory, mail: false });
    const handled = () => number(stage.store('user'), 'SELECT count(*) FROM inbox');
    const look = () => ({ n: handled(), at: performance.now() });
    const first = look();
    let last = first;
    while (last.n < events) {
        await pause(20);
        last = look();
    }
    await stage.stop();
    if (last.n === first.n) throw new Error('too few events: they were handled before anybody looked');
    return (last.n - first.n) / (last.at - first.at) * 1000;
}

/* --- one order at a time -------------------------------------------------------------------------- */

// When each order's 201 came: {id: Date.now()}. An open loop.
async function order(shop, forSeconds, agent) {
    const begin = performance.now(), acknowledged = {};
    const one = async (i) => {
        await pause(Math.max(0, begin + 1000 * i / rate - performance.now()));
        const { token } = shop.users[i % shop.users.length];
        const body = { items: [item()], shippingAddress: address, paymentMethod: 'card' };
        const answer = await request(shop.port, 'POST', '/orders', { token, body, agent });
        if (answer.status !== 201) throw new Error(answer.text);
        acknowledged[answer.json.id] = Date.now();
    };
    await Promise.all(Array.from({ length: Math.round(forSeconds * rate) }, (_, i) => one(i)));
    return acknowledged;
}

async function follow(shape) {
    const stage = await setStage({ shape, directory: temporaryDirectory() });
    if (!stage.mail) throw new Error('this cuib has no notification service');
    const shop = await openShop(stage.port, { seed: 1, orders: 0, overMs: 0 }, admin);
    const agent = new http.Agent({ keepAlive: true });
    await order(shop, WARM_UP_S, agent);
    const acknowledged = await order(shop, seconds, agent);
    const { left } = await settle(stage, 60_000);
    if (left) throw new Error(left);
    const events = new Map(rows(stage.store('order'), ['id', 'order', 'at'],
        'SELECT id, stream_id, recorded_at FROM events').map((event) => [event.id, event]));
    const noted = rows(stage.store('notification'), ['event', 'at'], 'SELECT event_id, created_at FROM deliveries')
        .map(({ event, at }) => ({ ...events.get(event), notedAt: at }))
        .filter(({ order: id }) => acknowledged[id]);
    const mailed = stage.sink.mails
        .map(({ text, receivedAt }) => Date.parse(receivedAt) - acknowledged[/[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)[0]])
        .filter((ms) => !Number.isNaN(ms)); // those of the time before
    agent.destroy();
    await stage.stop();
    if (mailed.length !== Object.keys(acknowledged).length) throw new Error(`${mailed.length} mails`);
    return { noted: noted.map(({ at, notedAt }) => notedAt - at), mailed };
}

/* --- all of it ------------------------------------------------------------------------------------ */

function median(list, print) {
    const sorted = [...list].sort((a, b) => a - b);
    return `${print(percentile(sorted, 0.5))} (${print(sorted[0])} - ${print(sorted.at(-1))})`;
}
const whole = (n) => Math.round(n).toLocaleString('en');

const backlog = await makeBacklog();
const found = new Map(CARRIERS.map(({ shape }) => [shape, []]));
for (let round = 0; round < rounds; round++)
    for (const { shape } of round % 2 ? [...CARRIERS].reverse() : CARRIERS)
        found.get(shape).push({ perSecond: await drain(shape, backlog), ...await follow(shape) });

console.log(`${whole(events)} events in the store; then ${rate} orders a second for ${seconds} s; ${rounds} rounds\n`);
console.log('| carrier | events/s | append to noted p50 ms | p99 ms | 201 to mailed p50 ms | p99 ms |');
console.log('|---|---|---|---|---|---|');
for (const { shape, name } of CARRIERS) {
    const all = found.get(shape);
    const of = (list, share) => median(all.map((each) => percentile(each[list], share)), whole);
    console.log(`| ${name} | ${median(all.map(({ perSecond }) => perSecond), whole)} | ${of('noted', 0.5)} | ` +
        `${of('noted', 0.99)} | ${of('mailed', 0.5)} | ${of('mailed', 0.99)} |`);
}
process.exit(0);
