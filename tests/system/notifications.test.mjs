// Mails about orders and payments: from the event to the Maildir or the mail server, and what happens when something is in
// the way.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { freePort } from './redis.mjs';
import { parseMail, startSmtpSink } from './smtp-sink.mjs';
import {
    binary, finished, freshEmail, request, run, sql, start, temporaryDirectory, until,
} from './support.mjs';

const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';
const templates = ['order-confirmation', 'payment-received', 'payment-failed'];

/** What lies in the Maildir for that address. */
function mailsIn(directory, to) {
    const inbox = path.join(directory, 'mail/new');
    if (!existsSync(inbox)) return [];
    return readdirSync(inbox)
        .map((name) => parseMail(readFileSync(path.join(inbox, name), 'latin1')))
        .filter((mail) => mail.headers.to === to);
}

const store = (directory) => path.join(directory, 'notification.sqlite');
const states = (directory) =>
    sql(store(directory), 'SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state');
const settled = (directory) => until('all mails to be settled', () =>
    !sql(store(directory), 'SELECT 1 FROM deliveries WHERE state = \'pending\'').length);

/** A mail server, and the settings with which cuib sends to it. */
async function mailServer(options) {
    const sink = await startSmtpSink(options);
    const settings = { CUIB_DATA_DIR: temporaryDirectory(), SMTP_HOST: '127.0.0.1', SMTP_PORT: sink.port };
    return { sink, settings, directory: settings.CUIB_DATA_DIR };
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

describe('without a mail server', () => {
    const directory = temporaryDirectory();
    let cuib;
    after(() => cuib.stop());
    const mailsTo = (user, count) => until(`${count} mails to ${user.email}`, () => {
        const found = mailsIn(directory, user.email);
        return found.length >= count && found;
    });

    test('the start says where the mails lie', async () => {
        cuib = await start({ CUIB_DATA_DIR: directory });
        assert.match(cuib.output.stdout, new RegExp(`mails +${directory}/mail\n`));
    });

    test('an order is confirmed once, in Romanian, by a mail that names it', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        const [mail] = await mailsTo(user, 1);
        assert.equal(mail.subject, 'Comanda ta a fost confirmată');
        assert.equal(mail.headers.from, 'Cuib <no-reply@localhost>');
        assert.match(mail.headers['message-id'],
            new RegExp(`^<${UUID}\\.${user.id}\\.order-confirmation@localhost>$`));
        for (const part of [mail.text, mail.html]) {
            assert.ok(part.includes(order.id), part);
            assert.ok(part.includes('Ana Pop'), part);
            assert.match(part, /99,90/);
            assert.match(part, /Strada Lungă 1/);
        }
        await settled(directory);
        assert.equal(mailsIn(directory, user.email).length, 1);
    });

    test('who has chosen English reads English', async () => {
        const user = await cuib.member({ profile: { language: 'en' } });
        const order = await cuib.order(user);
        const [mail] = await mailsTo(user, 1);
        assert.equal(mail.subject, 'Your order has been confirmed');
        assert.match(mail.text, /99\.90 RON/);
        assert.ok(mail.text.includes(order.id));
    });

    test('a payment is acknowledged, and so is one that was declined', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        const declined = (await cuib.pay(user, order, 'tok_declined')).json;
        const paid = (await cuib.pay(user, order)).json;
        const mails = await mailsTo(user, 3);
        const about = ({ id }) => mails.filter(({ text }) => text.includes(id));
        const [failed] = about(declined);
        const [received] = about(paid);
        assert.equal(about(order).length, 3);
        assert.equal(failed.subject, 'Plata comenzii tale nu a reușit');
        assert.equal(received.subject, 'Am primit plata pentru comanda ta');
        assert.match(failed.headers['message-id'], /\.payment-failed@/);
        assert.match(received.headers['message-id'], /\.payment-received@/);
    });

    test('a change of status alone causes none', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        await mailsTo(user, 1);
        const answer = await cuib.post(`/orders/${order.id}/cancel`, { token: user.token });
        assert.ok(answer.status < 300, answer.text);
        await settled(directory);
        await pause(100);
        assert.equal(mailsIn(directory, user.email).length, 1);
    });

    test('nothing is sent again by a restart, be it after a kill', async () => {
        const user = await cuib.member();
        await cuib.order(user);
        await mailsTo(user, 1);
        await settled(directory);
        const before = states(directory);
        await cuib.kill();
        cuib = await start({ CUIB_DATA_DIR: directory });
        await pause(200);
        assert.deepEqual(states(directory), before);
        assert.equal(mailsIn(directory, user.email).length, 1);
    });

    test('what was accepted before kill -9 is mailed after it', async () => {
        const user = await cuib.member();
        const orders = await Promise.all(Array.from({ length: 20 }, () => cuib.order(user)));
        await cuib.kill();
        cuib = await start({ CUIB_DATA_DIR: directory });
        const mails = await mailsTo(user, orders.length);
        await settled(directory);
        assert.equal(mailsIn(directory, user.email).length, orders.length);
        for (const { id } of orders) assert.ok(mails.some(({ text }) => text.includes(id)), id);
    });
});

describe('settings', { concurrency: true }, () => {
    test('MAIL_LANGUAGE is for those who have not chosen, SMTP_FROM is the sender', async () => {
        const directory = temporaryDirectory();
        const cuib = await start({
            CUIB_DATA_DIR: directory, MAIL_LANGUAGE: 'en', SMTP_FROM: 'Prăvălia <shop@shop.example>',
        });
        const romanian = await cuib.member({ profile: { language: 'ro' } });
        const undecided = await cuib.member();
        await cuib.order(romanian);
        await cuib.order(undecided);
        const [a] = await until('a mail', () => mailsIn(directory, romanian.email));
        const [b] = await until('another', () => {
            const found = mailsIn(directory, undecided.email);
            return found.length && found;
        });
        assert.equal((a ?? mailsIn(directory, romanian.email)[0]).subject, 'Comanda ta a fost confirmată');
        assert.equal(b.subject, 'Your order has been confirmed');
        assert.equal(b.headers.from, 'Prăvălia <shop@shop.example>');
        assert.match(b.headers['message-id'], /@shop\.example>$/);
        await cuib.stop();
    });

    test('an event that is too old when it is first heard of is skipped', async () => {
        const directory = temporaryDirectory();
        const settings = { CUIB_DATA_DIR: directory };
        const first = await start(settings, ['user', 'order', 'gateway'], { ready: false });
        const user = await first.member();
        await first.order(user);
        await first.stop();
        const orders = path.join(directory, 'order.sqlite');
        const day = 24 * 3600 * 1000;
        sql(orders, `DROP TRIGGER events_stay_as_they_are;
            UPDATE events SET recorded_at = recorded_at - ${4 * day}`);
        const second = await start(settings);
        await second.order(user);
        await until('both orders to be heard of', () =>
            sql(store(directory), 'SELECT 1 FROM deliveries').length === 2);
        await settled(directory);
        assert.deepEqual(states(directory), [['sent', '1'], ['skipped', '1']]);
        assert.equal(mailsIn(directory, user.email).length, 1);
        await second.stop();
    });

    const wrong = {
        SMTP_PORT: ['abc', '0', '70000'],
        SMTP_TLS: ['yes'],
        SMTP_FROM: ['nobody', 'a@b@c', 'Cuib <a@b> x', 'Cuib\r\nBcc: x <a@b>'],
        SMTP_CA: ['/nonexistent/ca.pem'],
        SMTP_USER: ['ana'],
        MAIL_LANGUAGE: ['fr'],
        MAIL_MAX_AGE_HOURS: ['0', '721', 'abc'],
        MAIL_TEMPLATES: ['/nonexistent'],
        NOTIFICATION_SERVICE_PORT: ['abc'],
    };
    for (const [name, values] of Object.entries(wrong)) {
        for (const value of values) {
            test(`${name}=${JSON.stringify(value)} is refused in one line`, async () => {
                const { code, stderr } = await finished(['up'], { [name]: value });
                assert.equal(code, 78, stderr);
                assert.match(stderr, /^[^\n]+\n$/);
                assert.ok(stderr.includes(name), stderr);
            });
        }
    }

    test('a password stands in no message', async () => {
        const { stderr } = await finished(['up'], { SMTP_PASSWORD: 'very secret' });
        assert.match(stderr, /SMTP_USER/);
        assert.ok(!stderr.includes('very secret'));
    });

    test('a template that is wrong ends the start, and is named', async () => {
        const MAIL_TEMPLATES = temporaryDirectory();
        const file = path.join(MAIL_TEMPLATES, 'en/payment-failed.text');
        mkdirSync(path.dirname(file));
        for (const content of ['x\n{{order.totl}}\n', 'x\n{{#if order.id}}\n', 'x\n{{> header}}\n']) {
            writeFileSync(file, content);
            const { code, stderr } = await finished(['up'], { MAIL_TEMPLATES });
            assert.equal(code, 78);
            assert.match(stderr, /^[^\n]+\n$/);
            assert.ok(stderr.includes(`${file}:2`), stderr);
        }
    });

    test('an unknown service is told which there are', async () => {
        const { code, stderr } = await finished(['up', 'mails']);
        assert.equal(code, 64);
        assert.match(stderr, /user, order, notification, gateway/);
    });
});

describe('with a mail server', { concurrency: true }, () => {
    test('it gets the mail as it should be', async () => {
        const { sink, settings, directory } = await mailServer();
        const cuib = await start(settings);
        assert.match(cuib.output.stdout, new RegExp(`mails +smtp://127\\.0\\.0\\.1:${sink.port}\n`));
        const user = await cuib.member();
        await cuib.order(user);
        const [mail] = await until('a mail', () => sink.mailsTo(user.email).length && sink.mails);
        assert.equal(mail.from, 'no-reply@localhost');
        assert.deepEqual(mail.to, [user.email]);
        assert.deepEqual(mail.problems, []);
        await settled(directory);
        const [row] = sql(store(directory), 'SELECT state, attempts, message_id, address FROM deliveries');
        assert.deepEqual(row, ['sent', '0', mail.headers['message-id'], user.email]);
        assert.ok(!existsSync(path.join(directory, 'mail')));
        await cuib.stop();
        await sink.close();
    });

    test('a temporary refusal means one mail, later', async () => {
        const { sink, settings, directory } = await mailServer();
        sink.on({ at: 'RCPT', times: 2, answer: '451 4.3.0 Busy' });
        const cuib = await start(settings);
        const user = await cuib.member();
        const order = await cuib.order(user);
        await until('the mail', () => sink.mails.length);
        await settled(directory);
        assert.equal(sink.mails.length, 1);
        assert.ok(sink.mails[0].text.includes(order.id));
        assert.deepEqual(sql(store(directory), 'SELECT state, attempts FROM deliveries'), [['sent', '2']]);
        await cuib.stop();
        const { stdout } = await cuib.ended();
        assert.equal(stdout.match(/mails go out again/g).length, 1);
        await sink.close();
    });

    test('a refusal for good is dead at once, and no other mail suffers', async () => {
        const { sink, settings, directory } = await mailServer();
        const email = freshEmail();
        sink.on({ at: 'RCPT', to: email, answer: '550 5.1.1 No such mailbox' });
        const cuib = await start(settings);
        const refused = await cuib.member({ email });
        const other = await cuib.member();
        await cuib.order(refused);
        await cuib.order(other);
        await until('the other mail', () => sink.mailsTo(other.email).length);
        await settled(directory);
        const [dead] = sql(store(directory),
            'SELECT id, attempts, address, failure FROM deliveries WHERE state = \'dead\'');
        assert.deepEqual(dead.slice(1, 3), ['1', email]);
        assert.match(dead[3], /550 5\.1\.1 No such mailbox/);
        await until('a word about it', () => cuib.output.stderr.includes(`mail ${dead[0]} (order-confirmation) is dead`));

        // Given back by another process, it is noticed.
        sink.reset();
        sql(store(directory), `UPDATE deliveries SET state = 'pending', attempts = 0 WHERE id = ${dead[0]}`);
        await until('the mail that was given back', () => sink.mailsTo(email).length);
        await settled(directory);
        await cuib.stop();
        await sink.close();
    });

    test('while it is away mails wait, and no attempts are spent on them', async () => {
        const { sink, settings, directory } = await mailServer();
        await sink.close();
        const cuib = await start(settings);
        const users = await Promise.all(Array.from({ length: 12 }, () => cuib.member()));
        await Promise.all(users.map((user) => cuib.order(user)));
        await until('the first failure', () => cuib.output.stdout.includes('mails wait:') ||
            cuib.output.stderr.includes('mails wait:'));
        const health = await cuib.get('/health/ready');
        assert.equal(health.status, 200);
        assert.equal(health.json.status, 'degraded');
        assert.equal(health.json.info.mail.status, 'degraded');
        assert.match(health.json.info.mail.message, /smtp:\/\/127\.0\.0\.1/);
        await pause(2500);
        const attempts = sql(store(directory), 'SELECT sum(attempts), max(attempts), count(*) FROM deliveries')[0];
        assert.ok(Number(attempts[0]) <= 8 && Number(attempts[1]) <= 1, String(attempts));
        assert.equal(attempts[2], '12');
        await sink.listen();
        await until('all mails', () => sink.mails.length === users.length);
        await settled(directory);
        await cuib.stop();
        const { stdout, stderr } = await cuib.ended();
        assert.equal((stdout + stderr).match(/mails wait:/g).length, 1);
        assert.equal((stdout + stderr).match(/mails go out again/g).length, 1);
        assert.equal(sink.mails.length, users.length);
        await sink.close();
    });

    test('a mail whose acceptance got lost is sent again with its Message-ID', async () => {
        const { sink, settings, directory } = await mailServer();
        sink.on({ at: 'end', times: 1, drop: true });
        const cuib = await start(settings);
        const user = await cuib.member();
        await cuib.order(user);
        await until('the mail twice', () => sink.mails.length === 2);
        await settled(directory);
        const [first, second] = sink.mails;
        assert.equal(first.answered, false);
        assert.equal(second.answered, true);
        assert.equal(first.headers['message-id'], second.headers['message-id']);
        assert.equal(first.raw, second.raw);
        await cuib.stop();
        await sink.close();
    });

    test('so is one whose acceptance kill -9 kept from being noted', async () => {
        const { sink, settings, directory } = await mailServer();
        sink.on({ at: 'end', times: 1, hang: true });
        const cuib = await start(settings);
        const user = await cuib.member();
        await cuib.order(user);
        await until('the mail', () => sink.mails.length);
        await cuib.kill();
        const again = await start(settings);
        await until('the mail again', () => sink.mails.length === 2);
        await settled(directory);
        assert.equal(sink.mails[0].headers['message-id'], sink.mails[1].headers['message-id']);
        await again.stop();
        assert.equal(sink.mails.length, 2);
        await sink.close();
    });

    test('SIGTERM lets a mail that is being handed over end well', async () => {
        const { sink, settings, directory } = await mailServer();
        sink.on({ at: 'end', delayMs: 700 });
        const cuib = await start(settings);
        const user = await cuib.member();
        await cuib.order(user);
        await until('DATA', () => sink.commands.DATA);
        await cuib.stop();
        assert.equal(sink.mails.length, 1);
        assert.equal(sink.mails[0].answered, true);
        assert.deepEqual(states(directory), [['sent', '1']]);
        await sink.close();
    });

    test('a user who is gone gets none', async () => {
        const { sink, settings, directory } = await mailServer();
        await sink.close();
        const first = await start(settings);
        const user = await first.member();
        await first.order(user);
        await until('the row', () => sql(store(directory), 'SELECT 1 FROM deliveries').length);
        const answer = await first.delete(`/users/${user.id}`, { token: await first.admin() });
        assert.ok(answer.status < 300, answer.text);
        await first.stop();
        await sink.listen();
        const second = await start(settings); // nobody remembers the user there
        await until('its death', () => states(directory)[0]?.[0] === 'dead');
        assert.match(sql(store(directory), 'SELECT failure FROM deliveries')[0][0], /User not found/);
        assert.deepEqual(sink.mails, []);
        await second.stop();
        await sink.close();
    });

    test('a password is not said to a server without TLS, unless it is wanted', async () => {
        const auth = { user: 'ana', password: 'geheim' };
        const { sink, settings } = await mailServer({ auth });
        const login = { ...settings, SMTP_USER: auth.user, SMTP_PASSWORD: auth.password };
        const careful = await start(login, [], { ready: false });
        const health = await until('an answer', async () => {
            const { json } = await careful.get('/health/ready');
            return json.info.mail.status === 'degraded' && json;
        });
        assert.equal(health.status, 'degraded');
        assert.equal(sink.commands.AUTH, undefined);
        await careful.stop();
        const careless = await start({ ...login, SMTP_TLS: 'none' });
        const user = await careless.member();
        await careless.order(user);
        await until('the mail', () => sink.mails.length);
        assert.equal(sink.mails[0].user, 'ana');
        await careless.stop();
        await sink.close();
    });
});

describe('the notification service by itself', () => {
    test('answers for its health, and its port is its own', async () => {
        const alone = await start({ USER_SERVICE_HOST: '127.0.0.1:1' }, ['notification']);
        const health = (await alone.get('/health')).json;
        assert.equal(health.status, 'ok');
        for (const name of ['database', 'mail', 'deliveries', 'memory_heap', 'memory_rss'])
            assert.equal(health.info[name].status, 'up', name);
        await alone.stop();
    });
});

test('in a process of its own it hears of orders that were placed before it came', async () => {
    const directory = temporaryDirectory();
    const NOTIFICATION_SERVICE_PORT = await freePort();
    const shop = await start({ NOTIFICATION_SERVICE_HOST: '127.0.0.1', NOTIFICATION_SERVICE_PORT },
        ['user', 'order', 'gateway']);
    const user = await shop.member({ profile: { language: 'en' } });
    await shop.order(user);
    const USER_SERVICE_PORT = await shop.portOf('UserService');
    const service = await start({ CUIB_DATA_DIR: directory, NOTIFICATION_SERVICE_PORT, USER_SERVICE_PORT },
        ['notification']);
    await until('the first mail', () => mailsIn(directory, user.email).length === 1);
    const order = await shop.order(user);
    const mails = await until('the second', () => {
        const found = mailsIn(directory, user.email);
        return found.length === 2 && found;
    });
    assert.ok(mails.some(({ text }) => text.includes(order.id)));
    for (const { subject } of mails) assert.equal(subject, 'Your order has been confirmed');
    await service.stop();
    await shop.stop();
});

describe('cuib mail', { concurrency: true }, () => {
    // Runs it and gives the port, and how to end it.
    async function preview(args, settings) {
        const { child, output, ended } = run(['mail', 'preview', ...args], settings);
        const [, port, place] = await until('the address', () =>
            output.stdout.match(/^http:\/\/127\.0\.0\.1:(\d+)(\/\S*)\n/));
        const stop = async () => {
            child.kill('SIGTERM');
            assert.equal((await ended()).code, 0);
        };
        return { get: (target) => request(Number(port), 'GET', target), port: Number(port), place, stop };
    }

    test('preview shows every template in every language', async () => {
        const { get, place, stop } = await preview([]);
        assert.equal(place, '/');
        const index = await get('/');
        assert.equal(index.status, 200);
        for (const language of ['ro', 'en']) {
            for (const name of templates) {
                assert.ok(index.text.includes(`href="/${language}/${name}"`));
                const page = await get(`/${language}/${name}`);
                assert.equal(page.status, 200);
                assert.match(page.headers['content-type'], /^text\/html/);
                assert.ok(page.text.includes(`src="/${language}/${name}.html"`));
                const subject = await get(`/${language}/${name}.subject`);
                assert.ok(page.text.includes(subject.text));
                const html = await get(`/${language}/${name}.html`);
                assert.match(html.headers['content-type'], /^text\/html/);
                assert.match(html.text, /0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a/);
                const text = await get(`/${language}/${name}.text`);
                assert.match(text.headers['content-type'], /^text\/plain/);
                assert.match(text.text, /0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a/);
            }
        }
        for (const target of ['/ro', '/ro/', '/ro/nope', '/fr/payment-failed', '/ro/payment-failed.pdf', '/x'])
            assert.equal((await get(target)).status, 404, target);
        await stop();
    });

    test('preview reads the files of MAIL_TEMPLATES each time, and shows what is wrong with them', async () => {
        const MAIL_TEMPLATES = temporaryDirectory();
        mkdirSync(path.join(MAIL_TEMPLATES, 'ro'));
        const put = (content) => writeFileSync(path.join(MAIL_TEMPLATES, 'ro/payment-failed.html'), content);
        const { get, place, stop } = await preview(['payment-failed'], { MAIL_TEMPLATES });
        assert.equal(place, '/ro/payment-failed');
        put('<p>{{user.name}}</p>');
        assert.equal((await get('/ro/payment-failed.html')).text, '<p>Ana Pop</p>');
        put('<p>\n{{user.nam}}</p>');
        const bare = await get('/ro/payment-failed.html');
        assert.equal(bare.status, 500);
        assert.match(bare.text, /payment-failed\.html:2/);
        assert.match((await get('/ro/payment-failed')).text, /<pre class="error">.*payment-failed\.html:2/);
        put('<b>{{order.id}}</b>');
        assert.match((await get('/ro/payment-failed.html')).text, /^<b>0198c8f0/);
        await stop();
    });

    test('preview listens on the port that it is told', async () => {
        const port = await freePort();
        const shown = await preview(['--port', String(port)]);
        assert.equal(shown.port, port);
        await shown.stop();
    });

    test('render prints one part of one template', async () => {
        const { code, stdout } = await finished(['mail', 'render', 'order-confirmation', 'en', 'subject']);
        assert.equal(code, 0);
        assert.equal(stdout, 'Your order has been confirmed\n');
        for (const part of ['html', 'text']) {
            const whole = await finished(['mail', 'render', 'payment-received', 'ro', part]);
            assert.equal(whole.code, 0, whole.stderr);
            assert.match(whole.stdout, /1\.234,50/);
        }
    });

    test('render takes its values from standard input', () => {
        const render = (input) => spawnSync(binary,
            ['mail', 'render', 'payment-failed', 'en', 'text', '-'], { input, encoding: 'utf8' });
        const values = { user: { name: 'Ștefan' }, order: { id: 'order-7' }, payment: { amount: '5.00' } };
        const { status, stdout } = render(JSON.stringify(values));
        assert.equal(status, 0);
        assert.match(stdout, /^Hello Ștefan,/);
        assert.match(stdout, /order-7/);
        assert.doesNotMatch(stdout, /Ana Pop/);
        for (const input of ['', '[]', '{"user":']) {
            const refused = render(input);
            assert.equal(refused.status, 1, input);
            assert.match(refused.stderr, /^cuib mail render: [^\n]+\n$/);
        }
    });

    test('a command line that is wrong is refused', async () => {
        const lines = [
            ['mail'], ['mail', 'nope'], ['mail', 'render'], ['mail', 'render', 'nope', 'ro', 'html'],
            ['mail', 'render', 'payment-failed', 'fr', 'html'], ['mail', 'render', 'payment-failed', 'ro', 'pdf'],
            ['mail', 'preview', 'nope'], ['mail', 'preview', '--port'], ['mail', 'preview', '--port', '70000'],
        ];
        for (const line of lines) assert.equal((await finished(line)).code, 64, line.join(' '));
    });
});
