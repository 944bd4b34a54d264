// Numbers for people.

/** The smallest value that `share` of the list does not exceed. */
export function percentile(list, share) {
    const sorted = [...list].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export const secondsOf = (ms) => `${(ms / 1000).toFixed(1)} s`;

export const wordsOf = (counts) =>
    Object.entries(counts).map(([word, n]) => `${word}: ${n}`).join(', ') || 'none';

/** Rows of [what, figure] under each other. */
export function show(table) {
    const width = Math.max(...table.map(([what]) => what.length));
    for (const [what, figure] of table) console.log(`    ${what.padEnd(width)}  ${figure}`);
}

const LIST_MAX = 40;

/** All violations, or the first of very many. */
export function showViolations(list) {
    for (const text of list.slice(0, LIST_MAX)) console.log(`  ! ${text}`);
    if (list.length > LIST_MAX) console.log(`  ! and ${list.length - LIST_MAX} more`);
}
