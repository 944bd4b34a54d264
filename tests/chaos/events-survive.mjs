// Orders go on for a while, and meanwhile everything that has to do with them is killed or cut off at random times.
// Then all is put up again, and when it is quiet, everything that was acknowledged has had its effects, once and in
// order.
//
// usage: events-survive.mjs [--shape redis|tcp|embedded] [--orders 5000] [--seconds 120] [--seed N] [--settle 300]
//                           [--empty 60] [--keep DIRECTORY] [--schedule]
//
// --seconds   how long it goes on; the orders are spread over it
// --seed      who is killed when, and what is ordered, is a function of it (a new one each time)
// --settle    seconds that it may take afterwards until all is quiet
// --empty     seconds more until Redis has no entries: those of a consumer that was killed are taken over after 30;
//             0: that is not waited for
// --keep      where the stores and logs stay
// --schedule  prints who would be killed when, and does nothing
//
// Prints the schedule, a table of counts and each violation. Exit code 1: there were some.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { admin, temporaryDirectory } from '../system/support.mjs';
import { percentile, secondsOf, show, showViolations, wordsOf } from './figures.mjs';
import { settle } from './quiet.mjs';
import { describe, schedule } from './schedule.mjs';
import { openShop } from './shop.mjs';
import { pause } from './pause.mjs';
import { setStage } from './stage.mjs';
import { judge, recordEffects } from './verdict.mjs';

const { values } = parseArgs({ options: {
    shape: { type: 'string', default: 'redis' },
    orders: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    settle: { type: 'string', default: '300' },
    empty: { type: 'string', default: '60' },
    keep: { type: 'string' },
    schedule: { type: 'boolean', default: false },
} });
const { shape, seed } = values;
const seconds = Number(values.seconds), settleMs = Number(values.settle) * 1000;

// Each target suffers one thing after the other; gives what happened, with its times.
async function disrupt(stage, plan) {
    const begin = Date.now(), happened = [];
    const ofOne = async (target, list) => {
        for (const row of list) {
            await pause(Math.max(0, begin + row.at - Date.now()));
            const from = Date.now();
            await stage.targets[target].suffer(row);
            happened.push({ target, action: row.action, from, to: Date.now() });
        }
    };
    await Promise.all(Object.keys(stage.targets).map((target) =>
        ofOne(target, plan.filter((row) => row.target === target))));
    return happened;
}

function keepLogs(stage) {
    for (const { name, log, running } of stage.programs)
        writeFileSync(path.join(stage.directory, `${name}.log`),
            [...log, running.output.stdout, running.output.stderr].join('\n--- the next one ---\n'));
    writeFileSync(path.join(stage.directory, 'mails.json'), JSON.stringify(stage.sink.mails));
}

console.log(`events-survive.mjs --shape ${shape} --orders ${values.orders} --seconds ${seconds} --seed ${seed}`);
if (values.keep) mkdirSync(values.keep, { recursive: true });
const stage = await setStage({ shape, directory: values.keep ?? temporaryDirectory(), links: true });
process.on('SIGTERM', () => process.exit(1)); // and the programs with it
const plan = schedule(Object.keys(stage.targets), seed, seconds);
for (const row of plan) console.log(describe(row));
if (values.schedule) process.exit(0);

recordEffects(stage);
const shop = await openShop(stage.port,
    { seed, orders: Number(values.orders), overMs: seconds * 1000, patienceMs: settleMs }, admin);
const began = Date.now();
const selling = shop.run();
const happened = await disrupt(stage, plan);
await pause(Math.max(0, began + seconds * 1000 - Date.now()));
stage.sink.reset();
const meanwhile = shop.orders.length;
await Promise.all([selling, stage.ready()]);
const sold = Date.now() - began;
const quiet = await settle(stage, settleMs, Number(values.empty) * 1000);
const { table, violations } = judge(stage, shop, happened);
await stage.stop();
const verified = await stage.verify();

violations.push(...shop.violations, ...stage.complaints);
if (quiet.left) violations.push(`after ${secondsOf(quiet.emptyMs)} it is not quiet: ${quiet.left}`);
if (verified.at(-1) !== '0 problems') violations.push(...verified);
const latencies = shop.orders.map(({ ms }) => ms);
console.log();
show([
    ...table,
    ['cuib verify', verified.at(-1)],
    ['acknowledged while all this went on', meanwhile],
    ['until acknowledged, with all attempts',
        `p50 ${percentile(latencies, 0.5)} ms, p99 ${percentile(latencies, 0.99)} ms`],
    ['answers', wordsOf(shop.answers)],
    ['disruptions', happened.length],
    ['all orders had lived after', secondsOf(sold)],
    ['then all events handled after', secondsOf(quiet.eventsMs)],
    ['all mails gone after', secondsOf(quiet.ms)],
    ...(stage.redis && values.empty !== '0' ? [['no entries in Redis after', secondsOf(quiet.emptyMs)]] : []),
    ['violations', violations.length],
]);
showViolations(violations);
if (values.keep) keepLogs(stage);
process.exit(violations.length ? 1 : 0);
