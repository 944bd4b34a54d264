// NestJS's `tlsOptions` on either side. The certificates come from tests/data/tls/make.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freshEmail, repository, secret, someone, start, until } from '../system/support.mjs';
import { everyVersion, nestProgram, tcp } from './support.mjs';

const file = (name) => path.join(repository, 'tests/data/tls', name);
const pem = (name) => readFileSync(file(name), 'utf8');
const authority = { ca: pem('ca.pem') };
const shown = (name) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const notFound = { statusCode: 404, message: 'User not found', error: 'Not Found' };
const settings = (name, ca) => ({
    RPC_TLS_CERT_FILE: file(`${name}.pem`), RPC_TLS_KEY_FILE: file(`${name}.key`),
    RPC_TLS_CA_FILE: ca && file(ca),
});

everyVersion('TLS, NestJS\'s client', { concurrency: true }, (nest) => {
    let users, strict;
    const client = (service, tlsOptions) => tcp(nest, service.port, { tlsOptions });
    const isServed = async (service, tlsOptions) => {
        const one = client(service, tlsOptions);
        const answer = await one.refusal('user.findByEmail', freshEmail());
        await one.close();
        if (answer.statusCode) assert.deepEqual(answer, notFound);
        return answer.statusCode === 404;
    };
    before(async () => {
        users = await start(settings('server'), ['user'], { ready: false });
        strict = await start(settings('server', 'ca.pem'), ['user'], { ready: false });
        await until('the ports to answer', async () => await isServed(users, authority) &&
            isServed(strict, { ...authority, ...shown('client') }));
    });
    after(() => Promise.all([users.stop(), strict.stop()]));

    test('100 calls at once', async () => {
        const one = client(users, authority);
        const calls = Array.from({ length: 100 }, () => one.refusal('user.findByEmail', freshEmail()));
        for (const answer of await Promise.all(calls)) assert.deepEqual(answer, notFound);
        await one.close();
    });

    test('trusts the authority that it was told alone', async () => {
        assert.equal(await isServed(users, {}), false);
    });

    test('with an authority, Cuib wants a certificate of it', async () => {
        assert.equal(await isServed(strict, authority), false);
        assert.equal(await isServed(strict, { ...authority, ...shown('stranger') }), false);
        assert.equal(await isServed(strict, { ...authority, ...shown('client') }), true);
    });
});

everyVersion('TLS, NestJS\'s server', { concurrency: true }, (nest) => {
    const registered = async (server, gateway) => {
        const service = await nestProgram('nest-user-service.mjs', nest.version, { TLS_NAME: server });
        const cuib = await start({
            ...gateway, USER_SERVICE_HOST: '127.0.0.1', USER_SERVICE_PORT: service.port, JWT_SECRET: secret,
        }, ['gateway']);
        const { status } = await cuib.post('/users', { body: someone() });
        await cuib.stop();
        await service.kill();
        return status;
    };

    test('Cuib\'s gateway calls it', async () => {
        assert.equal(await registered(file('server'), settings('client', 'ca.pem')), 201);
    });

    test('Cuib\'s gateway does not call a server of another authority or name', async () => {
        const [stranger, elsewhere] = await Promise.all([
            registered(file('stranger'), settings('client', 'ca.pem')),
            registered(file('elsewhere'), settings('client', 'ca.pem')),
        ]);
        assert.ok(stranger >= 502, `${stranger}`);
        assert.ok(elsewhere >= 502, `${elsewhere}`);
    });
});
