// What must be true when all is quiet again: of the events, of what the user service has made of them, and of the order
// in which the events of each stream had their effects. Each check gives its violations, with ids.
import { wordsOf } from './figures.mjs';
import { groups, indexed } from './groups.mjs';
import { checkMails, idOf, MAILED } from './mails.mjs';
import { rows } from './store.mjs';

const HEARD_BY_USER = ['order.created', 'order.statusChanged'];

/* --- the effects ----------------------------------------------------------------------------------- */

/** Has the user's store itself write down each change of a row of `user_orders`: the effects of the events, in their
 * order, whatever the service believes to have done. */
export function recordEffects(stage) {
    rows(stage.store('user'), [], `
        CREATE TABLE effects (number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, status TEXT NOT NULL) STRICT;
        CREATE TRIGGER effects_of_insert AFTER INSERT ON user_orders
        BEGIN INSERT INTO effects (id, status) VALUES (new.id, new.status); END;
        CREATE TRIGGER effects_of_update AFTER UPDATE ON user_orders
        BEGIN INSERT INTO effects (id, status) VALUES (new.id, new.status); END`);
}

// Each event has had its effect once, in the order of its stream.
function checkEffects({ streams, effects }) {
    const wrong = [];
    for (const [stream, events] of streams) {
        const expected = events.filter(({ type }) => HEARD_BY_USER.includes(type))
            .map(({ type, newStatus }) => (type === 'order.created' ? 'PENDING' : newStatus));
        const had = (effects.get(stream) ?? []).map(({ status }) => status);
        if (String(had) !== String(expected))
            wrong.push(`order ${stream}: its events say ${expected}, its user's list was made to say ${had}`);
    }
    return wrong;
}

/* --- what there is -------------------------------------------------------------------------------- */

function collect(stage) {
    const events = rows(stage.store('order'),
        ['position', 'id', 'stream', 'version', 'type', 'user', 'payment', 'status', 'newStatus'],
        `SELECT position, id, stream_id, version, type, json_extract(data, '$.userId'),
            json_extract(data, '$.paymentId'), json_extract(data, '$.status'),
            json_extract(data, '$.newStatus') FROM events ORDER BY position`);
    const found = {
        events,
        streams: groups(events, ({ stream }) => stream),
        orders: indexed(rows(stage.store('order'), ['id', 'user', 'status', 'total'],
            'SELECT id, user_id, status, total FROM orders'), 'id'),
        userOrders: indexed(rows(stage.store('user'), ['id', 'user', 'status', 'total'],
            'SELECT id, user_id, status, total FROM user_orders'), 'id'),
        inbox: rows(stage.store('user'), ['number', 'event'], 'SELECT number, event_id FROM inbox ORDER BY number'),
        effects: groups(rows(stage.store('user'), ['id', 'status'], 'SELECT id, status FROM effects ORDER BY number'),
            ({ id }) => id),
        parked: rows(stage.store('order'), ['subscriber', 'stream', 'attempts', 'failure'],
            'SELECT subscriber, stream_id, attempts, failure FROM events_parked'),
        deliveries: [],
    };
    if (stage.mail)
        found.deliveries = rows(stage.store('notification'), ['event', 'template', 'state', 'failure'],
            'SELECT event_id, template, state, failure FROM deliveries ORDER BY id');
    return found;
}

/* --- orders and their events ---------------------------------------------------------------------- */

function checkOrders({ acknowledged, streams, orders, userOrders }) {
    const wrong = [];
    const known = new Set(acknowledged.map(({ id }) => id));
    for (const { id, user, life } of acknowledged) {
        const events = streams.get(id) ?? [];
        const created = events.filter(({ type }) => type === 'order.created');
        if (created.length !== 1) wrong.push(`order ${id} was acknowledged and has ${created.length} order.created`);
        else if (created[0].user !== user.id || created[0].version !== '1')
            wrong.push(`order ${id}: order.created is of user ${created[0].user}, version ${created[0].version}`);
        if (orders.get(id)?.status !== life.ends)
            wrong.push(`order ${id} is ${orders.get(id)?.status}, not ${life.ends} (${life.steps.join(', ')})`);
        const heard = userOrders.get(id);
        if (!heard) wrong.push(`order ${id} was acknowledged and is not among the user's orders`);
        else if (heard.status !== life.ends || heard.user !== user.id || heard.total !== orders.get(id)?.total)
            wrong.push(`order ${id}: its user's list says ${heard.status} of ${heard.total}, user ${heard.user}`);
    }
    for (const [stream, events] of streams) {
        if (!known.has(stream)) wrong.push(`order ${stream} was recorded and never acknowledged`);
        const versions = events.map(({ version }) => Number(version));
        if (versions.some((version, i) => version !== i + 1)) wrong.push(`order ${stream} has versions ${versions}`);
    }
    for (const id of userOrders.keys())
        if (!streams.has(id)) wrong.push(`order ${id} is among a user's orders and has no events`);
    return wrong;
}

/* --- the order of each stream --------------------------------------------------------------------- */

// `handled`: ids of events in the order in which a consumer recorded their first effects.
function checkSequence(who, handled, { events, streams }, types) {
    const wrong = [];
    const byId = indexed(events, 'id');
    const place = new Map();
    handled.forEach((id, i) => {
        if (!byId.has(id)) wrong.push(`${who} has recorded event ${id}, which there is not`);
        if (place.has(id)) wrong.push(`${who} has recorded event ${id} twice`);
        place.set(id, i);
    });
    for (const [stream, ofStream] of streams) {
        let before = -1;
        for (const { id, version } of ofStream.filter(({ type }) => types.includes(type))) {
            const event = `event ${id} (order ${stream}, version ${version})`;
            if (!place.has(id)) wrong.push(`${who} has no trace of ${event}`);
            else if (place.get(id) < before) wrong.push(`${who} has recorded ${event} before an earlier one`);
            else before = place.get(id);
        }
    }
    return wrong;
}

/* --- all of it ------------------------------------------------------------------------------------ */

function judgeMails(stage, shop, found, disruptions) {
    if (!stage.mail) return { table: [['mails', 'none: this cuib has no notification service']], violations: [] };
    const { mails } = stage.sink;
    const { wrong, counts, copies } = checkMails(
        { mails, acknowledged: shop.orders, found, disruptions, mailer: stage.mailer });
    const unsent = found.deliveries.filter(({ state }) => state !== 'sent').map(({ event, template, state, failure }) =>
        `the mail ${template} of event ${event} is ${state}: ${failure}`);
    const again = mails.length - new Set(mails.map(idOf)).size;
    return {
        table: [
            ['confirmations, by Message-ID', counts.confirmation ?? 0],
            ['payment mails, by Message-ID',
                `${counts['payment SUCCESS'] ?? 0} received, ${counts['payment FAILED'] ?? 0} failed`],
            ['mails that came again', `${again} (${wordsOf(copies)})`],
            ['mails that are dead or skipped', unsent.length],
        ],
        violations: [...wrong, ...unsent],
    };
}

function checkParked({ parked }) {
    return parked.map(({ subscriber, stream, attempts, failure }) =>
        `order ${stream} is parked for ${subscriber} after ${attempts} attempts: ${failure}`);
}

/** Looks at the stores and the mails when all is quiet. `disruptions`: [{target, action, from, to}…], times as of
 * Date.now(). Gives {table: [[what, count]…], violations: [text…]}. */
export function judge(stage, shop, disruptions) {
    const found = collect(stage);
    const { events, streams } = found;
    const mails = judgeMails(stage, shop, found, disruptions);
    const parked = checkParked(found), effects = checkEffects(found);
    const sequence = [
        ...checkSequence('user', found.inbox.map(({ event }) => event), found, HEARD_BY_USER),
        ...(stage.mail ? checkSequence('notification', found.deliveries.map(({ event }) => event), found, MAILED) : []),
    ];
    const longest = Math.max(0, ...[...streams.values()].map(({ length }) => length));
    const table = [
        ['orders acknowledged', shop.orders.length],
        ['order.created recorded', events.filter(({ type }) => type === 'order.created').length],
        ['events recorded', `${events.length} in ${streams.size} streams, the longest ${longest}`],
        ['orders in the users\' lists', found.userOrders.size],
        ['events in the user service\'s inbox', found.inbox.length],
        ...mails.table,
        ['dead letters and parked streams', parked.length],
        ['events out of order or left out, by the inboxes', sequence.length],
        ['orders with effects twice or out of order', effects.length],
    ];
    const wrong = checkOrders({ acknowledged: shop.orders, ...found });
    return { table, violations: [...wrong, ...parked, ...effects, ...sequence, ...mails.violations] };
}
