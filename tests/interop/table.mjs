// A reporter for Node's test runner: writes the table of README.md, a row for each test and a column for each version.
// update-readme runs it.
const versions = [10, 11, 12];

const SUITE = /^(.*), NestJS ([\d ]+)$/;
const why = /^([^:]+: [^:]+): (.*)$/;

function mark(details, type) {
    if (type === 'test:fail') return 'failed';
    return details.type === 'suite' ? '' : 'passed';
}

function rowsOf(topics) {
    const row = (first, of) => `| ${first} | ${versions.map(of).join(' | ')} |`;
    const lines = [];
    for (const [topic, rows] of topics) {
        lines.push('', `### ${topic}`, '', row('', (version) => version), row('---', () => '---'));
        for (const [name, cells] of rows)
            lines.push(row(name.replaceAll('|', '\\|'), (version) => cells.get(version) ?? 'differs'));
    }
    return lines;
}

/** The suites come after their tests, so those wait for the name of theirs. */
export default async function* table(source) {
    const topics = new Map(), waiting = new Map(), otherwise = [];
    for await (const { type, data } of source) {
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        const { name, nesting, details } = data;
        if (details.type !== 'suite') {
            if (!waiting.has(nesting)) waiting.set(nesting, []);
            waiting.get(nesting).push([name, mark(details, type)]);
            continue;
        }
        const tests = waiting.get(nesting + 1) ?? [];
        waiting.delete(nesting + 1);
        const [, topic, columns] = SUITE.exec(name) ?? [];
        if (name.startsWith('Other bytes')) otherwise.push(...tests);
        if (!topic) continue;
        if (!topics.has(topic)) topics.set(topic, new Map());
        for (const [test, result] of tests) {
            const rows = topics.get(topic);
            if (!rows.has(test)) rows.set(test, new Map());
            for (const column of columns.split(' ')) rows.get(test).set(Number(column), result);
        }
    }
    yield* rowsOf(topics).map((line) => `${line}\n`);
    yield '\n### Other bytes, on purpose\n\n| sent | reason | |\n|---|---|---|\n';
    for (const [name, result] of otherwise) {
        const [, sent, reason] = why.exec(name);
        yield `| ${sent} | ${reason} | ${result} |\n`;
    }
}
