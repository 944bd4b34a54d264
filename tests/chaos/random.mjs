// Random numbers that are a function of a seed, so that a run can be made again.

function hash(text) {
    let h = 2166136261; // FNV-1a
    for (const byte of Buffer.from(text)) h = Math.imul(h ^ byte, 16777619);
    return h >>> 0;
}

/** Each `purpose` has numbers of its own: what is added for one leaves the others as they were. */
export function random(seed, purpose) {
    let state = hash(`${seed} ${purpose}`);
    const next = () => { // mulberry32
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const between = (low, high) => Math.floor(low + next() * (high - low));
    /** One of the rows, each of which is as likely as its `weight` says. */
    const pick = (rows) => {
        let left = next() * rows.reduce((sum, { weight }) => sum + weight, 0);
        return rows.find(({ weight }) => (left -= weight) < 0) ?? rows.at(-1);
    };
    return { next, between, pick };
}
