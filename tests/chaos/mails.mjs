// What must be true of the mails when all is quiet: one Message-ID for each event that causes a mail, and none without
// an event. A mail may have come more than once, where its sender could not know that it had come.
import { groups, indexed } from './groups.mjs';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const NOTED_MS = 2000; // by then the acceptance of a mail is noted on the disk

/** Types of the events that cause mails. */
export const MAILED = ['order.created', 'payment.processed'];

export const idOf = (mail) => mail.headers['message-id'];

// Why a mail came again that had come before: its sender never read that it was taken, or died before that was noted.
// Undefined when there is no reason.
function excuse(copy, disruptions, mailer) {
    const at = Date.parse(copy.receivedAt);
    if (!copy.answered) return 'cut off after DATA';
    const near = disruptions.find(({ target, action, from, to }) => from <= at + NOTED_MS && to >= at &&
        ((target === mailer && action === 'SIGKILL') || (target === 'sink' && action === 'close')));
    return near && (near.target === 'sink' ? 'sink closed' : `${mailer} killed`);
}

function checkCopies(id, copies, disruptions, mailer, reasons) {
    const wrong = [];
    if (!copies.some(({ answered }) => answered)) wrong.push(`mail ${id} was never acknowledged`);
    for (const copy of copies.slice(0, -1)) {
        const reason = excuse(copy, disruptions, mailer);
        if (reason) reasons[reason] = (reasons[reason] ?? 0) + 1;
        else wrong.push(`mail ${id} of ${copy.receivedAt} was acknowledged, and came again without a reason`);
    }
    if (new Set(copies.map(({ raw }) => raw)).size > 1) wrong.push(`mail ${id} came again and was another one`);
    return wrong;
}

// The event that a mail is about, by the numbers in its text: those of the order and, of a payment's mail, the payment.
function aboutOf(mail, { streams, payments }) {
    const numbers = [...new Set(mail.text.match(UUID) ?? [])];
    const payment = numbers.map((each) => payments.get(each)).find(Boolean);
    const stream = numbers.find((each) => streams.has(each));
    if (payment && payment.stream !== stream) return undefined;
    return payment ?? (stream && streams.get(stream)[0]);
}

const kindOf = ({ type, status }) => (type === 'order.created' ? 'confirmation' : `payment ${status}`);

// Whether the mail is what it is to be: about `event`, to its user, with the subject of its kind.
function checkMail(mail, event, { address, subjects }) {
    const id = idOf(mail);
    if (!event) return [`mail ${id} is about no order that there is: ${mail.subject}`];
    const wrong = mail.problems.map((problem) => `mail ${id} has ${problem}`);
    const kind = kindOf(event);
    subjects.set(kind, subjects.get(kind) ?? mail.subject);
    if (subjects.get(kind) !== mail.subject) wrong.push(`mail ${id}, ${kind}, says ${mail.subject}`);
    if (String(mail.to) !== address) wrong.push(`mail ${id} about order ${event.stream} went to ${mail.to}`);
    return wrong;
}

/** `found` is what verdict.mjs collects. Gives {wrong: [text…], counts: {kind: Message-IDs}, copies: {reason: how
 * often}}. */
export function checkMails({ mails, acknowledged, found: { events, streams }, disruptions, mailer }) {
    const wrong = [], counts = {}, copies = {};
    const payments = indexed(events.filter(({ type }) => type === 'payment.processed'), 'payment');
    const addresses = new Map(acknowledged.map(({ id, user }) => [id, user.email]));
    const ids = new Map(), subjects = new Map();
    for (const [id, same] of groups(mails, idOf)) {
        const event = aboutOf(same[0], { streams, payments });
        wrong.push(...checkMail(same[0], event, { address: addresses.get(event?.stream), subjects }),
            ...checkCopies(id, same, disruptions, mailer, copies));
        if (event) ids.set(event.id, [...(ids.get(event.id) ?? []), id]);
    }
    if (new Set(subjects.values()).size !== subjects.size) wrong.push(`subjects are ${[...subjects.values()]}`);
    for (const event of events.filter(({ type }) => MAILED.includes(type))) {
        const its = ids.get(event.id) ?? [], kind = kindOf(event);
        counts[kind] = (counts[kind] ?? 0) + its.length;
        if (its.length !== 1) wrong.push(`order ${event.stream}, ${kind}: ${its.length} Message-IDs ${its.join(' ')}`);
    }
    return { wrong, counts, copies };
}
