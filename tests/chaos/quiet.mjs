// Waiting until nothing is under way any more.
import { indexed } from './groups.mjs';
import { pause } from './pause.mjs';
import { number, rows } from './store.mjs';

const LOOK_MS = 200;

// Each says what is still under way, or gives undefined.
function events(stage) {
    const order = stage.store('order');
    const newest = number(order, 'SELECT coalesce(max(position), 0) FROM events');
    const checkpoints = indexed(rows(order, ['subscriber', 'position'],
        'SELECT subscriber, position FROM events_checkpoints'), 'subscriber');
    for (const name of stage.subscribers) {
        const position = Number(checkpoints.get(name)?.position ?? 0);
        if (position < newest) return `${name} has ${position} of ${newest} events`;
    }
    const parked = number(order, 'SELECT count(*) FROM events_parked WHERE retry_at <> 0');
    if (parked) return `${parked} streams are parked`;
    const payments = number(order, `SELECT count(*) FROM provider_requests WHERE state = 'pending'`);
    return payments ? `${payments} payments are pending` : undefined;
}

function mails(stage) {
    if (!stage.mail) return undefined;
    const count = number(stage.store('notification'), `SELECT count(*) FROM deliveries WHERE state = 'pending'`);
    return count ? `${count} mails are pending` : undefined;
}

async function entries({ redis, subscribers }) {
    if (!redis) return undefined;
    const client = await redis.client();
    let sum = 0;
    for (const name of subscribers)
        if (name !== 'pubsub') sum += await client.command('XLEN', `cuib:events:${name}`);
    client.close();
    return sum ? `${sum} entries are in Redis` : undefined;
}

async function waitFor(condition, ms) {
    const end = Date.now() + ms;
    for (;;) {
        const left = await condition();
        if (!left || Date.now() >= end) return left;
        await pause(LOOK_MS);
    }
}

/** Waits until nothing is under way, for `settleMs` at most, and then until Redis has no entries either, which may take
 * `emptyMs` more. Gives {eventsMs, ms, emptyMs, left}: after how long all events were handled, all mails gone and Redis
 * empty, and what was left when the time was up. */
export async function settle(stage, settleMs, emptyMs = settleMs) {
    const begin = Date.now(), end = begin + settleMs;
    const passed = () => Date.now() - begin;
    let left = await waitFor(() => events(stage), settleMs);
    const eventsMs = passed();
    left ??= await waitFor(() => events(stage) ?? mails(stage), end - Date.now());
    const ms = passed();
    if (emptyMs) left ??= await waitFor(() => entries(stage), emptyMs);
    return { eventsMs, ms, emptyMs: passed(), left };
}
