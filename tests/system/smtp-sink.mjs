// A mail server that keeps what it is given and fails when it is told to. Nothing leaves it.
//
//     const sink = await startSmtpSink({ cert, key, auth: { user, password } });
//     SMTP_HOST=127.0.0.1 SMTP_PORT=${sink.port}
//     const [mail] = sink.mailsTo('ana@example.com');
//     mail.subject, mail.text, mail.html, mail.headers['message-id']
//
// Options, all of which may be left out:
//     host, port      where it listens: 127.0.0.1, and a free port
//     cert, key       PEM texts. It offers STARTTLS, or with `implicitTls` speaks TLS from the first byte
//     auth            {user, password}: nobody else may send; by AUTH PLAIN or LOGIN
//     mechanisms      ['PLAIN', 'LOGIN']: what it offers
//     log             a file: a JSON line a mail is appended before the mail is acknowledged
//
// What it has:
//     port            stays the same when it is closed and listens again
//     mails           in the order received, each
//                         {from, to: [...], raw, receivedAt, connection, secure, user, answered, problems,
//                          headers: {name in lower case: value, unfolded and decoded}, subject, text, html}
//                     `answered` is false when its sender never read that the mail was taken; `problems` lists what
//                     a strict server would complain about: bare line breaks, long lines, bytes that are not ASCII
//     mailsTo(to)     those of one recipient
//     connections     how many it has accepted since it was made
//     commands        how often each verb was said, {MAIL: 3, …}
//     on(rule)        does what the rule says instead of the usual; the first rule that matches counts
//     reset()         forgets all rules
//     close(), listen()      goes away, with its connections, and comes back; promises
//
// A rule: {at, to, times, answer | hang | drop, delayMs}
//     at       'connect', a verb ('EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'NOOP', 'QUIT', …), or 'end': after
//              the message's final dot
//     to       only for this recipient (RCPT, and 'end': among the recipients)
//     times    the next so many times; without it always
//     answer   a reply, '451 4.3.0 Busy'. At 'end' the mail is not kept, unless it is a 2yz
//     hang     says nothing more on this connection. At 'end' the mail is kept: the server has it
//     drop     ends the connection without a word; at 'end' likewise the mail is kept
//     delayMs  waits before it answers (alone: before the usual answer)
//
// As a program: smtp-sink.mjs --log FILE [--port N] [--host ADDRESS] [--cert FILE --key FILE] [--implicit-tls]
//     [--auth USER:PASSWORD] [--mechanisms PLAIN,LOGIN] [--control]
// It prints {"port":N} and runs until it is killed. With --control each line of its input is a JSON list
// ["on", {rule}], ["reset"], ["close"], ["listen"], ["state"] or ["mails"]; a JSON line answers: "mails" gives {mails}
// and forgets them, others {port, connections, commands, received}. It ends when its input ends.
import { appendFileSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SIZE_MAX = 10 * 1024 * 1024;

/* --- reading a mail -------------------------------------------------------------------------------- */

const unquote = (text) => Buffer.from(
    text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))),
    'latin1');

/** RFC 2047: each word is decoded by itself, so one that splits a character shows. */
export function decodeWords(value) {
    return value
        .replace(/(=\?[^?\s]+\?[bq]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[bq]\?[^?\s]*\?=)/gi, '$1')
        .replace(/=\?([^?\s]+)\?([bq])\?([^?\s]*)\?=/gi, (_, charset, kind, text) => {
            const bytes = /b/i.test(kind) ? Buffer.from(text, 'base64') : unquote(text.replaceAll('_', ' '));
            return new TextDecoder(charset, { fatal: true }).decode(bytes);
        });
}

function splitHeaders(raw) {
    const end = raw.indexOf('\r\n\r\n');
    const head = end < 0 ? raw : raw.slice(0, end);
    const lines = head.replace(/\r\n(?=[ \t])/g, '').split('\r\n').filter(Boolean);
    const headers = lines.map((line) => {
        const [, name, value] = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line) ?? [null, '', line];
        return [name.toLowerCase(), value];
    });
    return { headers: Object.fromEntries(headers), list: headers, body: end < 0 ? '' : raw.slice(end + 4) };
}

function readPart(raw, found) {
    const { headers, body } = splitHeaders(raw);
    const type = headers['content-type'] ?? 'text/plain';
    const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
    if (boundary) {
        const pieces = `\r\n${body}`.split(`\r\n--${boundary}`);
        for (const piece of pieces.slice(1)) {
            if (piece.startsWith('--')) break;
            readPart(piece.replace(/^[ \t]*\r\n/, ''), found);
        }
        return found;
    }
    const encoding = (headers['content-transfer-encoding'] ?? '7bit').toLowerCase();
    const bytes = encoding === 'quoted-printable' ? unquote(body)
        : encoding === 'base64' ? Buffer.from(body, 'base64') : Buffer.from(body, 'latin1');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n');
    found[/^text\/html/i.test(type) ? 'html' : 'text'] ??= text;
    return found;
}

/** {headers, subject, text, html} of a raw message in Latin-1; line breaks of the parts become "\n". */
export function parseMail(raw) {
    const { headers } = splitHeaders(raw);
    const decoded = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, decodeWords(value)]));
    return { headers: decoded, subject: decoded.subject, ...readPart(raw, {}) };
}

function problemsOf(raw) {
    const problems = [];
    if (/\r(?!\n)|(?<!\r)\n/.test(raw)) problems.push('a bare CR or LF');
    if (/[^\r\n]{999}/.test(raw)) problems.push('a line over 998 bytes');
    if (/[^\t\r\n\x20-\x7e]/.test(raw)) problems.push('bytes that are not printable ASCII');
    return problems;
}

function examine(raw) {
    const problems = problemsOf(raw);
    try {
        return { problems, ...parseMail(raw) };
    } catch (error) {
        return { problems: [...problems, `does not decode: ${error.message}`] };
    }
}

/* --- one connection -------------------------------------------------------------------------------- */

const address = (line) => /^\w+ +(?:FROM|TO):\s*<([^>]*)>/i.exec(line)?.[1];

class Session {
    constructor(sink, socket, connection) {
        Object.assign(this, { sink, connection, secure: sink.options.implicitTls, user: null });
        this.forget();
        this.attach(socket);
        this.act('connect', () => this.say('220 sink.test ESMTP'));
    }

    attach(socket) {
        this.socket = socket;
        this.input = '';
        this.busy = false;
        socket.setEncoding('latin1');
        socket.on('error', () => socket.destroy());
        socket.on('data', (text) => { this.input += text; this.read(); });
    }

    forget() {
        Object.assign(this, { from: null, to: [], reading: false });
    }

    say(...lines) {
        this.socket.write(`${lines.join('\r\n')}\r\n`);
    }

    // While a rule delays an answer nothing more is read.
    read() {
        while (!this.busy && !this.socket.destroyed) {
            const end = this.reading ? this.endOfMessage() : this.input.indexOf('\r\n');
            if (end < 0) {
                if (this.input.length > SIZE_MAX) this.socket.destroy();
                return;
            }
            const text = this.input.slice(0, end);
            this.input = this.input.slice(end + (this.reading ? 3 : 2));
            if (this.reading) this.received(text);
            else if (this.next) this.next(text);
            else this.command(text);
        }
    }

    // The message's own last CRLF belongs to it; what is left to drop is ".\r\n".
    endOfMessage() {
        if (this.input.startsWith('.\r\n')) return 0;
        const end = this.input.indexOf('\r\n.\r\n', Math.max(0, this.searched - 4));
        this.searched = this.input.length;
        return end < 0 ? -1 : end + 2;
    }

    /** Does what a rule says, or `usual`. `keep` is done where the server is to have the mail all the same. */
    act(at, usual, keep = () => {}, recipients = []) {
        const rule = this.sink.matching(at, recipients);
        const go = () => {
            this.busy = false;
            if (rule?.hang) { this.busy = true; keep(); return; }
            if (rule?.drop) { keep(); this.socket.destroy(); return; }
            if (!rule?.answer) usual();
            else { if (rule.answer[0] === '2') keep(); this.say(rule.answer); }
            this.read();
        };
        if (!rule?.delayMs) { go(); return; }
        this.busy = true;
        setTimeout(go, rule.delayMs).unref();
    }

    command(line) {
        const verb = line.split(' ')[0].toUpperCase();
        this.sink.commands[verb] = (this.sink.commands[verb] ?? 0) + 1;
        const recipients = verb === 'RCPT' ? [address(line)] : [];
        this.act(verb, () => {
            if (Object.hasOwn(Session.verbs, verb)) Session.verbs[verb].call(this, line);
            else this.say('500 5.5.1 Unknown command');
        }, undefined, recipients);
    }

    authenticate(user, password) {
        const { auth } = this.sink.options;
        this.next = null;
        if (auth && user === auth.user && password === auth.password) {
            this.user = user;
            this.say('235 2.7.0 Accepted');
        } else this.say('535 5.7.8 Username and password not accepted');
    }

    // `text` has stuffed dots and ends with CRLF.
    received(text) {
        const raw = text.replace(/^\.\./gm, '.');
        const envelope = { from: this.from, to: this.to };
        const mail = (answered) => ({
            ...envelope, raw, receivedAt: new Date().toISOString(),
            connection: this.connection, secure: this.secure, user: this.user, answered, ...examine(raw),
        });
        this.reading = false;
        this.act('end', () => {
            this.sink.keep(mail(true));
            this.say('250 2.0.0 Taken');
        }, () => this.sink.keep(mail(false)), this.to);
        this.forget();
    }

    static verbs = {
        HELO() { this.say('250 sink.test'); },
        EHLO() {
            const { tlsContext, implicitTls, auth, mechanisms } = this.sink.options;
            const offers = ['PIPELINING', 'ENHANCEDSTATUSCODES', `SIZE ${SIZE_MAX}`];
            if (tlsContext && !implicitTls && !this.secure) offers.push('STARTTLS');
            if (auth) offers.push(`AUTH ${mechanisms.join(' ')}`);
            this.forget();
            this.say(...['sink.test', ...offers].map((word, i) => `250${i < offers.length ? '-' : ' '}${word}`));
        },
        STARTTLS() {
            const { tlsContext } = this.sink.options;
            if (!tlsContext || this.secure) { this.say('502 5.5.1 Not offered'); return; }
            const plain = this.socket;
            this.say('220 2.0.0 Go ahead');
            plain.removeAllListeners('data');
            this.forget();
            this.secure = true;
            this.attach(new tls.TLSSocket(plain, { isServer: true, secureContext: tlsContext }));
        },
        AUTH(line) {
            const [, mechanism, initial] = line.split(' ');
            const decode = (text) => Buffer.from(text, 'base64').toString();
            const plain = (text) => this.authenticate(...decode(text).split('\0').slice(1));
            const login = (text) => {
                const user = decode(text);
                this.next = (password) => this.authenticate(user, decode(password));
                this.say('334 UGFzc3dvcmQ6');
            };
            const read = { PLAIN: plain, LOGIN: login }[mechanism?.toUpperCase()];
            if (!this.sink.options.mechanisms.includes(mechanism?.toUpperCase()) || !read)
                this.say('504 5.5.4 Unknown mechanism');
            else if (initial) read(initial);
            else { this.next = read; this.say(read === login ? '334 VXNlcm5hbWU6' : '334 '); }
        },
        MAIL(line) {
            const from = address(line);
            if (this.sink.options.auth && !this.user) { this.say('530 5.7.0 Authentication required'); return; }
            if (from === undefined) { this.say('501 5.1.7 Bad sender'); return; }
            this.forget();
            this.from = from;
            this.say('250 2.1.0 OK');
        },
        RCPT(line) {
            const to = address(line);
            if (this.from === null) { this.say('503 5.5.1 MAIL first'); return; }
            if (!to) { this.say('501 5.1.3 Bad recipient'); return; }
            this.to = [...this.to, to];
            this.say('250 2.1.5 OK');
        },
        DATA() {
            if (!this.to.length) { this.say('503 5.5.1 RCPT first'); return; }
            this.reading = true;
            this.searched = 0;
            this.say('354 Go on');
        },
        RSET() { this.forget(); this.say('250 2.0.0 OK'); },
        NOOP() { this.say('250 2.0.0 OK'); },
        VRFY() { this.say('252 2.1.5 Send and see'); },
        QUIT() { this.say('221 2.0.0 Bye'); this.socket.end(); },
    };
}

/* --- the server ------------------------------------------------------------------------------------ */

const matches = (rule, at, recipients) =>
    rule.at.toUpperCase() === at.toUpperCase() && rule.times !== 0 && (!rule.to || recipients.includes(rule.to));

export async function startSmtpSink(given = {}) {
    const options = { host: '127.0.0.1', port: 0, mechanisms: ['PLAIN', 'LOGIN'], implicitTls: false, ...given };
    const { cert, key } = options;
    if (cert) options.tlsContext = tls.createSecureContext({ cert, key });
    const sockets = new Set();
    let rules = [];
    const sink = {
        options, port: options.port, mails: [], connections: 0, commands: {},
        mailsTo: (to) => sink.mails.filter((mail) => mail.to.includes(to)),
        on(rule) { rules.push({ ...rule }); },
        reset() { rules = []; },
        matching(at, recipients) {
            const rule = rules.find((each) => matches(each, at, recipients));
            if (rule?.times) rule.times--;
            return rule;
        },
        keep(mail) {
            if (options.log) appendFileSync(options.log, `${JSON.stringify(mail)}\n`);
            sink.mails.push(mail);
        },
        listen: () => new Promise((resolve, reject) => {
            server.once('error', reject);
            server.listen(sink.port, options.host, () => {
                server.off('error', reject);
                sink.port = server.address().port;
                resolve(sink);
            });
        }),
        close: () => new Promise((resolve) => {
            server.close(resolve);
            for (const socket of sockets) socket.destroy();
        }),
    };
    const server = net.createServer({ noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        socket.on('error', () => socket.destroy());
        const speaks = options.implicitTls
            ? new tls.TLSSocket(socket, { isServer: true, secureContext: options.tlsContext }) : socket;
        new Session(sink, speaks, ++sink.connections);
    });
    return sink.listen();
}

/* --- the program ----------------------------------------------------------------------------------- */

function obey(sink, forgotten, [verb, ...args]) {
    if (verb === 'mails') {
        const mails = sink.mails.splice(0);
        forgotten.count += mails.length;
        return { mails };
    }
    const done = verb === 'state' ? null : sink[verb](...args);
    const { port, connections, commands, mails } = sink;
    return Promise.resolve(done)
        .then(() => ({ port, connections, commands, received: forgotten.count + mails.length }));
}

async function main() {
    const text = { type: 'string' };
    const flag = { type: 'boolean' };
    const { values } = parseArgs({ options: {
        port: text, host: text, log: text, cert: text, key: text, auth: text, mechanisms: text,
        'implicit-tls': flag, control: flag,
    } });
    const [user, password] = values.auth?.split(':') ?? [];
    const sink = await startSmtpSink({
        port: Number(values.port ?? 0), host: values.host ?? '127.0.0.1', log: values.log,
        cert: values.cert && readFileSync(values.cert), key: values.key && readFileSync(values.key),
        implicitTls: values['implicit-tls'] ?? false, auth: values.auth ? { user, password } : undefined,
        mechanisms: values.mechanisms?.split(',') ?? ['PLAIN', 'LOGIN'],
    });
    const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
    print({ port: sink.port });
    if (!values.control) return;
    const forgotten = { count: 0 };
    for await (const line of createInterface({ input: process.stdin }))
        print(await obey(sink, forgotten, JSON.parse(line)));
    process.exit(0);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
