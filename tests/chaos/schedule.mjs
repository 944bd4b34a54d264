// What is done to whom and when: a function of the seed. The targets do not know of each other, so some of them are
// away at the same time.
import { random } from './random.mjs';

const BUSY = '451 4.3.2 Busy, come back later';

// `ms`: how long it lasts, from and to; `times`: how often. Where both are missing it is over at once. `always`: it
// happens in the shortest run, too.
const program = [
    { action: 'SIGKILL', weight: 6, ms: [0, 2000], always: true },
    { action: 'SIGTERM', weight: 1, ms: [0, 1000] },
    { action: 'SIGSTOP', weight: 3, ms: [200, 4000] },
];
const link = [
    { action: 'connections cut', weight: 3, ms: [0, 1500], always: true },
    { action: 'nothing passes', weight: 2, ms: [200, 3000] },
];
const actions = {
    gateway: program, user: program, order: program, notification: program, cuib: program,
    'link to redis': link, 'link to user': link, 'link to notification': link,
    redis: [
        { action: 'SIGKILL', weight: 3, ms: [0, 2000], always: true },
        { action: 'FLUSHALL', weight: 0, always: true },
        { action: 'SIGSTOP', weight: 2, ms: [200, 3000] },
    ],
    sink: [
        { action: 'close', weight: 3, ms: [0, 2000], always: true },
        { action: 'drop after DATA', weight: 3, times: [1, 6], rule: { at: 'end', drop: true }, always: true },
        { action: '451 after DATA', weight: 2, times: [1, 6], rule: { at: 'end', answer: BUSY } },
        { action: '451 to RCPT', weight: 1, times: [1, 6], rule: { at: 'RCPT', answer: BUSY } },
        { action: 'slow after DATA', weight: 1, times: [1, 4], rule: { at: 'end', delayMs: 800 } },
    ],
};
const EVERY_S = 10; // each target, on average
const AT_LEAST = 3;
const SHARE_MAX = 0.15; // of the whole time, that one disruption lasts

function draw(target, numbers, at, row, whole) {
    const [low, high] = row.ms ?? [0, 0];
    return {
        at, target, action: row.action,
        ms: numbers.between(low, Math.min(high, whole * SHARE_MAX) + 1),
        rule: row.rule && { ...row.rule, times: numbers.between(...row.times) },
    };
}

function ofTarget(target, seed, whole) {
    const numbers = random(seed, `schedule of ${target}`);
    const moment = () => Math.round(whole * (0.05 + 0.87 * numbers.next()));
    const chosen = actions[target].filter(({ always }) => always);
    while (chosen.length < Math.max(AT_LEAST, Math.round(whole / 1000 / EVERY_S)))
        chosen.push(numbers.pick(actions[target]));
    return chosen.map((row) => draw(target, numbers, moment(), row, whole));
}

/** [{at, target, action, ms, rule?}…] in the order of time; `at` and `ms` are milliseconds. */
export function schedule(targets, seed, seconds) {
    const rows = targets.flatMap((target) => ofTarget(target, seed, seconds * 1000));
    return rows.sort((a, b) => a.at - b.at);
}

export function describe({ at, target, action, ms, rule }) {
    const lasts = rule ? `, ${rule.times} times` : ms ? `, for ${(ms / 1000).toFixed(3)} s` : '';
    return `${(at / 1000).toFixed(3).padStart(8)} s  ${target.padEnd(20)}  ${action}${lasts}`;
}
