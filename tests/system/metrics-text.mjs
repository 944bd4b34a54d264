// Reads Prometheus's text format 0.0.4 and takes nothing that the format does not allow, nor what its conventions forbid.
import assert from 'node:assert/strict';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\\\\\|\\\\n)*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.+)\\})? (-?\\d+(?:\\.\\d+)?)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(,|$)/;

const unescape = (text) => text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));

function readLabels(text, line) {
    const labels = {};
    for (let rest = text ?? ''; rest;) {
        const found = LABEL.exec(rest);
        assert.ok(found, `labels: ${line}`);
        const [whole, name, value, comma] = found;
        assert.ok(!(name in labels), `a label twice: ${line}`);
        assert.ok(!name.startsWith('__'), line);
        labels[name] = unescape(value);
        rest = rest.slice(whole.length);
        assert.equal(rest !== '', comma === ',', line);
    }
    return labels;
}

function readSample(line, family) {
    const found = SAMPLE.exec(line);
    assert.ok(found, `no sample: ${line}`);
    const [, name, labels, value] = found;
    const suffix = name.slice(family.name.length);
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    assert.ok(name.startsWith(family.name) && suffixes.includes(suffix), `of another family: ${line}`);
    return { name, suffix, labels: readLabels(labels, line), value: Number(value) };
}

const key = (name, labels) => JSON.stringify([name, Object.entries(labels).sort()]);

/** Buckets rise, end in +Inf, and agree with the count; each set of labels has all of them and a sum. */
function checkHistogram({ name, samples }) {
    const sets = new Map();
    for (const { suffix, labels: { le, ...labels }, value } of samples) {
        const set = sets.get(key('', labels)) ?? { buckets: [] };
        sets.set(key('', labels), set);
        assert.equal(suffix === '_bucket', le !== undefined, name);
        if (suffix === '_bucket') set.buckets.push({ le: le === '+Inf' ? Infinity : Number(le), value });
        else set[suffix] = value;
    }
    for (const { buckets, _sum, _count } of sets.values()) {
        assert.ok(buckets.length > 1 && _sum >= 0, name);
        for (let i = 1; i < buckets.length; i++) {
            assert.ok(buckets[i].le > buckets[i - 1].le, `${name}: buckets out of order`);
            assert.ok(buckets[i].value >= buckets[i - 1].value, `${name}: a bucket is smaller than the one below`);
        }
        assert.deepEqual(buckets.at(-1), { le: Infinity, value: _count }, name);
    }
}

function checkFamily(family) {
    const { name, type, samples } = family;
    assert.ok(samples.length, `${name} has no samples`);
    assert.equal(type === 'counter', name.endsWith('_total'), name);
    assert.ok(!/_(ms|ns|milliseconds)\b/.test(name), `${name} is not in seconds`);
    if (type === 'counter') for (const { value } of samples) assert.ok(value >= 0, name);
    if (type === 'histogram') checkHistogram(family);
}

/** The families of a text, by name: {type, help, samples: [{name, labels, value}]}. */
export function readMetrics(text) {
    const families = new Map();
    const series = new Set();
    let family;
    let help;
    assert.ok(text.endsWith('\n'), 'the last line has an end');
    for (const line of text.slice(0, -1).split('\n')) {
        if (line.startsWith('# HELP')) {
            assert.equal(help, undefined, `TYPE is missing: ${line}`);
            help = HELP.exec(line);
            assert.ok(help?.[2], line);
        } else if (line.startsWith('#')) {
            const [, name, type] = TYPE.exec(line) ?? assert.fail(line);
            assert.equal(help?.[1], name, `HELP is missing: ${line}`);
            assert.ok(!families.has(name), `${name} comes twice`);
            family = { name, type, help: unescape(help[2]), samples: [] };
            families.set(name, family);
            help = undefined;
        } else {
            assert.ok(family && !help, `a sample without TYPE: ${line}`);
            const sample = readSample(line, family);
            const id = key(sample.name, sample.labels);
            assert.ok(!series.has(id), `a series twice: ${line}`);
            series.add(id);
            family.samples.push(sample);
        }
    }
    assert.equal(help, undefined, 'a HELP at the end');
    families.forEach(checkFamily);
    return families;
}

/** The value of the one series of that name which has those labels, others beside them allowed; 0 when there is none. */
export function valueOf(families, name, labels = {}) {
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
    const found = (family?.samples ?? []).filter((sample) => sample.name === name
        && Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
    assert.ok(found.length < 2, `${name}${JSON.stringify(labels)} are ${found.length} series`);
    return found[0]?.value ?? 0;
}
