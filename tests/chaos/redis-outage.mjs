// Redis dies while orders go on at a fixed rate, and comes back empty. None may be refused, all must have their effects
// afterwards, and nobody who orders should notice.
//
// usage: redis-outage.mjs [--seconds 120] [--before 20] [--rate 40] [--settle 300]
//
// --seconds   how long Redis is away
// --before    seconds before that, for comparison
// --rate      orders a second; an open loop: each has its moment, and its latency counts from there
// --settle    seconds that it may take afterwards until all is delivered
//
// Prints p50 and p99 of POST /orders and what became of it all. Exit code 1: something was refused, lost or out of
// order.
import http from 'node:http';
import { parseArgs } from 'node:util';
import { address, admin, item, request, temporaryDirectory } from '../system/support.mjs';
import { percentile, secondsOf, show, showViolations } from './figures.mjs';
import { settle } from './quiet.mjs';
import { openShop } from './shop.mjs';
import { pause } from './pause.mjs';
import { setStage } from './stage.mjs';
import { judge, recordEffects } from './verdict.mjs';

const { values } = parseArgs({ options: {
    seconds: { type: 'string', default: '120' },
    before: { type: 'string', default: '20' },
    rate: { type: 'string', default: '40' },
    settle: { type: 'string', default: '300' },
} });
const rate = Number(values.rate);
const life = { steps: [], ends: 'PENDING' };
const refused = [];

// Orders for that long; gives the latencies.
async function order(shop, seconds, agent) {
    const begin = performance.now(), latencies = [];
    const one = async (i) => {
        const due = begin + 1000 * i / rate;
        await pause(Math.max(0, due - performance.now()));
        const user = shop.users[i % shop.users.length];
        const body = { items: [item()], shippingAddress: address, paymentMethod: 'card' };
        const answer = await request(shop.port, 'POST', '/orders', { token: user.token, body, agent })
            .catch((error) => ({ status: error.code ?? error.message, text: '' }));
        latencies.push(performance.now() - due);
        if (answer.status === 201) shop.orders.push({ id: answer.json.id, user, life });
        else refused.push(`an order was refused: ${answer.status} ${answer.text}`);
    };
    await Promise.all(Array.from({ length: Math.round(seconds * rate) }, (_, i) => one(i)));
    return latencies;
}

const figures = (latencies) => `p50 ${percentile(latencies, 0.5).toFixed(1)} ms, ` +
    `p99 ${percentile(latencies, 0.99).toFixed(1)} ms, max ${Math.max(...latencies).toFixed(1)} ms ` +
    `(${latencies.length} orders)`;

console.log(`redis-outage.mjs --seconds ${values.seconds} --before ${values.before} --rate ${rate}`);
const stage = await setStage({ shape: 'redis', directory: temporaryDirectory() });
recordEffects(stage);
const shop = await openShop(stage.port, { seed: 1, orders: 0, overMs: 0 }, admin);
const agent = new http.Agent({ keepAlive: true });
await order(shop, Math.min(2, Number(values.before)), agent); // nothing is done for the first time afterwards
const before = await order(shop, Number(values.before), agent);
await stage.redis.kill();
const meanwhile = await order(shop, Number(values.seconds), agent);
await stage.redis.start();
const quiet = await settle(stage, Number(values.settle) * 1000);
const { table, violations } = judge(stage, shop, []);
agent.destroy();
await stage.stop();

violations.push(...refused, ...stage.complaints);
if (quiet.left) violations.push(`after ${values.settle} s it is not quiet: ${quiet.left}`);
console.log();
show([
    ['POST /orders before', figures(before)],
    ['POST /orders without Redis', figures(meanwhile)],
    ['refused', refused.length],
    ['all events handled, after Redis was back', secondsOf(quiet.eventsMs)],
    ['all mails gone', secondsOf(quiet.ms)],
    ...table,
    ['violations', violations.length],
]);
showViolations(violations);
process.exit(violations.length ? 1 : 0);
