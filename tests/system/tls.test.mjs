// TLS on the port of a service's messages: both languages within it, certificates checked on both sides.
// The certificates come from tests/data/tls/make.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';
import { admin, repository, someone, start, until, within } from './support.mjs';

const file = (name) => path.join(repository, 'tests/data/tls', name);
const pem = (name) => readFileSync(file(name));
const shown = (name) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const settings = (name, ca = 'ca.pem') => ({
    RPC_TLS_CERT_FILE: name && file(`${name}.pem`), RPC_TLS_KEY_FILE: name && file(`${name}.key`),
    RPC_TLS_CA_FILE: ca ? file(ca) : undefined,
});

const frame = (packet) => {
    const text = JSON.stringify(packet);
    return `${text.length}#${text}`;
};
const request = frame({ pattern: 'user.findByEmail', data: admin.email, id: 'r1' });

/** All that comes over TLS until the end, after `bytes` and our own end; an error's code when it fails. */
function exchange(port, options, bytes = request) {
    const socket = tls.connect({
        host: '127.0.0.1', port, ca: pem('ca.pem'), checkServerIdentity: () => undefined, ...options,
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (more) => { text += more; });
    socket.end(bytes);
    const over = new Promise((resolve) => {
        socket.on('error', (error) => resolve(error.code));
        socket.on('close', () => resolve(text));
    });
    return within(over, 10_000, 'the end of a TLS connection').finally(() => socket.destroy());
}

describe('a service with a certificate', () => {
    let user;
    test('starts', async () => {
        const { child, printed } = await startTls(settings('server', null));
        user = { child, port: printed };
    });
    after(() => user?.child.stop());
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
        test(`answers over ${version}`, async () => {
            const text = await exchange(user.port, { minVersion: version, maxVersion: version });
            assert.match(text, /^\d+#\{"response":.*"id":"r1"\}$/);
        });
    }
    test('refuses TLS 1.1', async () => {
        const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' };
        assert.match(await exchange(user.port, old), /^ERR_SSL|^ECONNRESET|^EPROTO/);
    });
    test('answers HTTP within TLS', async () => {
        const status = await new Promise((resolve, reject) => {
            https.get({ host: '127.0.0.1', port: user.port, path: '/health', ca: pem('ca.pem'), agent: false },
                (answer) => resolve(answer.resume().statusCode)).on('error', reject);
        });
        assert.equal(status, 200);
    });
    test('a large packet, byte for byte', async () => {
        const data = `${'ă😀'.repeat(100_000)}@example.com`;
        const text = await exchange(user.port, {},
            frame({ pattern: 'user.findByEmail', data, id: 'big' }));
        assert.match(text, /"statusCode":404.*"id":"big"\}$/);
    });
    test('closes a plain connection without an answer', async () => {
        const socket = net.connect(user.port, '127.0.0.1');
        let bytes = Buffer.alloc(0);
        socket.on('data', (more) => { bytes = Buffer.concat([bytes, more]); });
        socket.on('error', () => {});
        socket.write(request);
        await within(new Promise((resolve) => { socket.on('close', resolve); }), 10_000, 'the end');
        assert.doesNotMatch(bytes.toString('latin1'), /response/);
    });
});

/** A user service whose port speaks TLS: it cannot be asked for its health in plain. */
async function startTls(all) {
    const child = await start(all, ['user'], { ready: false });
    await until('the port to answer', async () =>
        /response/.test(await exchange(child.port, shown('client'))));
    return { child, printed: child.port };
}

test('with an authority, callers must have a certificate of it', async () => {
    const { child } = await startTls(settings('server'));
    assert.match(await exchange(child.port, shown('client')), /"id":"r1"\}$/);
    assert.doesNotMatch(await exchange(child.port, {}), /response/);
    assert.doesNotMatch(await exchange(child.port, shown('stranger')), /response/);
    await child.stop();
});

describe('gateway and user service', () => {
    const both = async (ofUser, ofGateway, host) => {
        const { child: user } = await startTls(ofUser);
        const gateway = await start({ ...ofGateway, USER_SERVICE_HOST: `${host}:${user.port}` },
            ['gateway']);
        const answer = await gateway.post('/users', { body: someone() });
        await Promise.all([gateway.stop(), user.stop()]);
        return answer.status;
    };
    test('know each other by address', async () => {
        assert.equal(await both(settings('server'), settings('client'), '127.0.0.1'), 201);
    });
    test('know each other by name', async () => {
        assert.equal(await both(settings('server'), settings('client'), 'localhost'), 201);
    });
    test('a server of another authority is not talked to', async () => {
        assert.equal(await both(settings('server'), settings('client', 'stranger.pem'), '127.0.0.1'),
            502);
    });
    test('a server of another name is not talked to', async () => {
        assert.equal(await both(settings('elsewhere'), settings('client'), '127.0.0.1'), 502);
    });
});
