// Templates against the npm package whose syntax they have: every output must be the same byte for byte, escaped and
// not; what is not supported must be refused by name and line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { random } from '../chaos/random.mjs';
import { binary, repository } from './support.mjs';
import { cases } from './template-cases.mjs';

const handlebars = createRequire(import.meta.url)('handlebars');
handlebars.logger.level = 'none'; // it warns of each inherited property that it refuses

const program = path.join(path.dirname(binary), 'tests/render-template');
const seed = process.env.TEMPLATE_SEED ?? '1';
const many = Number(process.env.TEMPLATE_COUNT ?? 4000);

/** What our program makes of the cases, which are {template, data, noEscape}. */
function fill(rows) {
    const input = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const { status, stdout, stderr } = spawnSync(program, { input, maxBuffer: 1 << 30 });
    assert.equal(status, 0, stderr?.toString());
    const lines = stdout.toString().split('\n').slice(0, -1);
    assert.equal(lines.length, rows.length);
    return lines.map((line) => JSON.parse(line));
}

function oracle({ template, data, noEscape }) {
    try {
        // The data as our program reads it, so that -0 and __proto__ mean the same to both.
        return { output: handlebars.compile(template, { noEscape })(JSON.parse(JSON.stringify(data ?? null))) };
    } catch (error) {
        return { error: error.message };
    }
}

const bothWays = (rows) => rows.flatMap((row) => [{ ...row, noEscape: false }, { ...row, noEscape: true }]);

function same(rows, expected = rows.map(oracle)) {
    const outcomes = fill(rows);
    rows.forEach((row, i) => assert.deepEqual(outcomes[i], expected[i], JSON.stringify(row)));
    return outcomes;
}

describe('a template gives what Handlebars gives', () => {
    for (const [behaviour, rows] of Object.entries(cases))
        test(`${behaviour} (${rows.length})`, () => {
            same(bothWays(rows.map(([template, data]) => ({ template, data }))));
        });
});

// --- templates made up -------------------------------------------------------------------------------------------

const weighted = (rows) => Object.entries(rows).map(([what, weight]) => ({ what, weight }));
const members = ['a', 'b', 'c', 'list', 'map', 'text'];

/** Any JSON, smaller the deeper it lies. */
function value(dice, depth) {
    const { what } = dice.pick(weighted({ number: 3, text: 3, simple: 3, list: depth < 4 ? 4 : 0, map: depth < 4 ? 5 : 0 }));
    switch (what) {
    case 'number': return [0, 1, 2, -1, 1.5, 1e21, 42][dice.between(0, 7)];
    case 'text': return ['', '0', '1', 'x', '<&>', 'ț=`"\'', ' ', '\n', 'true', '1,2'][dice.between(0, 10)];
    case 'simple': return [null, true, false][dice.between(0, 3)];
    case 'list': return Array.from({ length: dice.between(0, 4) }, () => value(dice, depth + 1));
    default: return object(dice, depth + 1);
    }
}

function object(dice, depth) {
    return Object.fromEntries(members.filter(() => dice.next() < 0.6).map((name) => [name, value(dice, depth)]));
}

const blanks = (dice) => ['', ' ', '\n', '\n  ', '  \n', '\r\n', '\n\n', '\t',
'\u00a0\n'][dice.between(0, 9)];
const tilde = (dice) => (dice.next() < 0.12 ? '~' : '');

function place(dice) {
    const { what } = dice.pick(weighted({ member: 6, deep: 4, this: 3, up: 4, data: 2, index: 1 }));
    const name = () => [...members, 'length', 'constructor'][dice.between(0, members.length + 2)];
    switch (what) {
    case 'member': return name();
    case 'deep': return `${name()}${dice.next() < 0.5 ? '.' : '/'}${name()}`;
    case 'this': return ['this', '.', `this.${name()}`, `./${name()}`][dice.between(0, 4)];
    case 'up': return '../'.repeat(dice.between(1, 3)) + ['this', '.', name(), name()][dice.between(0, 4)];
    case 'data': return `@${dice.next() < 0.3 ? '../' : ''}${['index', 'key', 'first',
    'last'][dice.between(0, 4)]}`;
    default: return `${name()}.${dice.between(0, 3)}.${name()}`;
    }
}

function mustache(dice) {
    const [left, right, path] = [tilde(dice), tilde(dice), place(dice)];
    const { what } = dice.pick(weighted({ two: 4, three: 2, and: 1 }));
    if (what === 'three')
        return `{{${left}{${path}}${right}}}`;
    return `{{${left}${what === 'and' ? '&' : ''}${path}${right}}}`;
}

function block(dice, depth) {
    const kinds = ['if', 'unless', 'each', 'each', 'with'];
    const kind = kinds[dice.between(0, 5)];
    let text = `{{${tilde(dice)}#${kind} ${place(dice)}${tilde(dice)}}}${body(dice, depth)}`;
    while (dice.next() < 0.25)
        text += `{{${tilde(dice)}else ${kinds[dice.between(0, 5)]} ${place(dice)}${tilde(dice)}}}${body(dice, depth)}`;
    if (dice.next() < 0.4)
        text += `{{${tilde(dice)}else${tilde(dice)}}}${body(dice, depth)}`;
    return `${text}{{${tilde(dice)}/${kind}${tilde(dice)}}}`;
}

function piece(dice, depth) {
    const { what } = dice.pick(weighted({ text: 5, blanks: 6, value: 6, block: depth < 4 ? 5 : 0, comment: 1, escaped: 1 }));
    switch (what) {
    case 'text': return ['a', 'x\n', '\nx', '<p>', ' ț '][dice.between(0, 5)];
    case 'blanks': return blanks(dice);
    case 'value': return mustache(dice);
    case 'block': return block(dice, depth + 1);
    case 'comment': return `{{${tilde(dice)}${['! c ', '!-- {{c}} --',
    '!'][dice.between(0, 3)]}${tilde(dice)}}}`;
    default: return ['\\{{c}}', '\\\\{{c}}', '\\'][dice.between(0, 3)];
    }
}

function body(dice, depth) {
    return Array.from({ length: dice.between(0, 6) }, () => piece(dice, depth)).join('');
}

describe(`of ${many} templates made up from seed ${seed}`, () => {
    test('those of the subset give what Handlebars gives', () => {
        const dice = random(seed, 'templates');
        const rows = bothWays(Array.from({ length: many }, () => ({ template: body(dice, 0), data: object(dice, 0) })));
        const expected = rows.map(oracle);
        const sound = (_, i) => !expected[i].error; // a text that ends in a backslash may break the tag behind it
        const outcomes = same(rows.filter(sound), expected.filter(sound));
        assert.ok(outcomes.length > 1.5 * many, `${outcomes.length} of ${rows.length}`);
    });

    test('heaps of tokens are refused, or give what Handlebars gives', () => {
        const dice = random(seed, 'tokens');
        const tokens = [
            '{{', '{{', '{{', '}}', '}}', '}}', '{{{', '}}}', '{{#', '{{/', '{', '}', '~', '#if ', '/if',
            'else', '{{else}}', 'each', 'with ', 'if',
            'a', 'b', 'this', '..', '.', '/', '@', '@index', '!', '!--', '--', '\\', '\n', ' ', '^', '&',
            '>', '*', '"', '\'', '[', ']', '(', '|', '=', ',',
            '0', '-1', 'true', 'null', 'as', 'ț', '\u00a0', '{{a}}', '{{#if a}}', '{{/if}}', '{{#each b}}',
            '{{/each}}', '{{! c }}', '\r\n',
        ];
        const heap = () => Array.from({ length: dice.between(1, 12) }, () => tokens[dice.between(0, tokens.length)]).join('');
        const data = { a: 1, b: [1, 'x', null], else: 2 };
        const rows = bothWays(Array.from({ length: 5 * many }, () => ({ template: heap(), data })));
        let filled = 0;
        fill(rows).forEach((outcome, i) => {
            if (outcome.error)
                return;
            filled++;
            assert.deepEqual(outcome, oracle(rows[i]), JSON.stringify(rows[i]));
        });
        assert.ok(filled > many / 2, `${filled} of ${rows.length}`);
    });
});

describe('a template is refused', () => {
    const refused = {
        '{{#if a}}': '1: {{#if}} is not closed',
        'a\nb {{#each a}}\n{{/if}}': '3: {{/if}} cannot close {{#each}}, which is open since line 2',
        '\n{{/if}}': '2: {{/if}} closes nothing',
        '{{else}}': '1: {{else}} outside of a block',
        '{{#if a}}{{else}}\n{{else}}{{/if}}': '2: a second {{else}}',
        '{{#if a}}{{else}}{{else if b}}{{/if}}': '1: a second {{else}}',
        '{{a': '1: the tag is not closed',
        '{{}}': '1: "}" is not expected in the tag',
        '{{a}}}': '1: }}} closes {{{ only; put a blank between',
        '{{{a}}': '1: {{{ is closed by }}}',
        '{{{a}}}}': '1: }}}} closes no tag; put a blank between',
        '{{! a': '1: the comment is not closed',
        '{{!-- a }}': '1: the comment is not closed',
        '\n\n{{> part}}': '3: partials are not supported',
        '{{#> part}}{{/part}}': '1: partials are not supported',
        '{{* d}}': '1: decorators are not supported',
        '{{#* d}}{{/d}}': '1: decorators are not supported',
        '{{{{raw}}}}{{{{/raw}}}}': '1: raw blocks are not supported',
        '{{^a}}{{/a}}': '1: {{^}} is not supported: write {{else}} or {{#unless}}',
        '{{#if a}}{{^}}{{/if}}': '1: {{^}} is not supported: write {{else}} or {{#unless}}',
        '{{#list}}{{/list}}': '1: the block "list" is not supported: only each, if, unless and with are',
        '{{#if.a}}{{/if.a}}': '1: a block has a name and no path',
        '{{#if}}{{/if}}': '1: {{#if}} needs a path',
        '{{#if a b}}{{/if}}': '1: {{#if}} takes one path and nothing else',
        '{{#if a includeZero=true}}{{/if}}': '1: {{#if}} takes one path and nothing else',
        '{{#each a as |b|}}{{/each}}': '1: block parameters are not supported',
        '{{#if true}}{{/if}}': '1: literals are not supported',
        '{{#if (x a)}}{{/if}}': '1: subexpressions are not supported',
        '{{upper a}}': '1: helpers are not supported: {{upper …}}',
        '{{lookup a b}}': '1: helpers are not supported: {{lookup …}}',
        '{{log}}': '1: helpers are not supported: {{log …}}',
        '{{a b=c}}': '1: helpers are not supported: {{a …}}',
        '{{a=b}}': '1: arguments with names are not supported',
        '{{"a"}}': '1: literals are not supported',
        '{{12}}': '1: literals are not supported',
        '{{a.0}}': '1: literals are not supported',
        '{{a.[0]}}': '1: a [segment] is not supported',
        '{{@root.a}}': '1: @root.a is not supported: only @index, @key, @first and @last are',
        '{{@index.a}}': '1: @index.a is not supported: only @index, @key, @first and @last are',
        '{{a/../b}}': '1: ".." may stand at the beginning of a path only',
        '{{a.this}}': '1: "this" may stand at the beginning of a path only',
        '{{a.}}': '1: "." is not expected in the tag',
        '\0': '1: a NUL byte',
    };
    const templates = Object.keys(refused);
    const outcomes = fill(templates.map((template) => ({ template, data: {} })));

    templates.forEach((template, i) => {
        test(JSON.stringify(template), () => assert.deepEqual(outcomes[i],
        { error: `template:${refused[template]}` }));
    });

    test('that nests blocks 33 deep, but not 32 deep', () => {
        const nested = (depth) => ({ template: '{{#if a}}'.repeat(depth) + 'x' + '{{/if}}'.repeat(depth), data: { a: 1 } });
        assert.deepEqual(fill([nested(32), nested(33)]), [{ output: 'x' },
        { error: 'template:1: blocks may be nested 32 deep' }]);
    });

    test('that has more than 10000 nodes or 256 KB', () => {
        const [nodes, size] = fill([{ template: '{{a}}'.repeat(10001) },
        { template: 'x'.repeat(256 * 1024 + 1) }]);
        assert.deepEqual(nodes, { error: 'template:1: a template may have 10000 tags and texts' });
        assert.deepEqual(size, { error: 'template:1: a template may have 262144 bytes' });
    });

    test('when its loops take too many steps', () => {
        const template = '{{#each a}}'.repeat(20) + '{{/each}}'.repeat(20);
        const data = { a: { a: { a: { a: {} } } } };
        const loops = { template: '{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}x{{/each}}{{/each}}{{/each}}{{/each}}', data: { a: Array.from({ length: 100 }, (_, i) => ({ i })) } };
        assert.deepEqual(fill([{ template, data }, loops]), [{ output: '' },
        { error: 'A template takes too many steps' }]);
    });
});

// --- the mails -----------------------------------------------------------------------------------------------------

const templates = path.join(repository, 'apps/notification-service/templates');
const item = (name, quantity, price, amount) => ({ productId: 'p-1', name, quantity, price, amount });
const mail = {
    user: { name: 'Ana "A" <Pop>', email: 'ana@example.com' },
    order: {
        id: '0198c1f2-7a54-7c3e-9b1d-5f0e2a6c8d47', createdAt: '18 iulie 2026, 14:32', total: '1.234,50', currency: 'RON',
        items: [item('Cană & farfurie', 2, '45,00', '90,00'), item('Ceai', 1, '5,00', '5,00')],
        shippingAddress: { street: 'Strada Lungă 1', city: 'Brașov', postalCode: '500001', country: 'RO' },
        paymentMethod: { card: false, bankTransfer: true, cashOnDelivery: false },
    },
    payment: { id: '0198c1f3-02bb-7d11-8a40-c3d2e1f09a65', amount: '1.234,50', currency: 'RON', processedAt: '18 iulie 2026, 14:35' },
};
const bare = { user: {}, order: { id: mail.order.id }, payment: { id: mail.payment.id } };
const files = readdirSync(templates, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.relative(templates, path.join(entry.parentPath ?? entry.path, entry.name))).sort();

describe('the mails', () => {
    test('are there in each language, three files a mail', () => {
        const names = files.filter((file) => file.startsWith('en/')).map((file) => file.slice(3));
        assert.equal(names.length, 9);
        assert.deepEqual(files.filter((file) => file.startsWith('ro/')).map((file) => file.slice(3)), names);
    });

    for (const file of files)
        test(`${file} gives what Handlebars gives, with all of its data and without`, () => {
            const template = readFileSync(path.join(templates, file), 'utf8');
            const noEscape = !file.endsWith('.html');
            const [full] = same([mail, bare].map((data) => ({ template, data, noEscape })));
            if (file.endsWith('.subject'))
                assert.match(full.output, /^[^\r\n]+$/);
            else
                assert.ok(full.output.includes(mail.order.id));
            assert.doesNotMatch(full.output, /undefined|\[object|[şţŞŢ]/);
        });

    test('say in Romanian that the order is confirmed', () => {
        assert.equal(readFileSync(path.join(templates, 'ro/order-confirmation.subject'), 'utf8'), 'Comanda ta a fost confirmată');
    });
});
