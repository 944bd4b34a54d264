// The OpenAPI document: valid, the same in both forms, and what it says is what the gateway does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { finished, someone, start } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const document = (await cuib.get('/api/docs-json')).json;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })));

/** The schema that a reference names. */
const schemaOf = ({ $ref }) => document.components.schemas[$ref.split('/').pop()];

const replyOf = (path, method, status) =>
    schemaOf(document.paths[path][method].responses[status].content['application/json'].schema);

/** An operation asked without a token and without a body. */
const ask = ({ method, path }) => cuib[method](path.replaceAll(/\{\w+\}/g, randomUUID()));

describe('the document', { concurrency: true }, () => {
    test('is valid OpenAPI 3.0', async () => {
        const validator = new Validator();
        const { valid, errors } = await validator.validate(structuredClone(document));
        assert.ok(valid, JSON.stringify(errors, null, 2));
        assert.equal(validator.version, '3.0');
    });

    test('has its members in the order in which NestJS writes them', () => {
        assert.equal(document.openapi, '3.0.0');
        assert.deepEqual(Object.keys(document), ['openapi', 'paths', 'info', 'tags', 'servers', 'components']);
        assert.deepEqual(document.components.securitySchemes,
            { bearer: { scheme: 'bearer', bearerFormat: 'JWT', type: 'http' } });
    });

    test('is the same as YAML', async () => {
        const validator = new Validator();
        const { text, headers } = await cuib.get('/api/docs-yaml');
        assert.equal(headers['content-type'], 'text/yaml; charset=utf-8');
        assert.ok((await validator.validate(text)).valid);
        assert.equal(JSON.stringify(validator.specification), JSON.stringify(document));
        assert.match(text, /^ {8}'201':$/m);
    });

    test('is what `cuib openapi` prints', async () => {
        const { code, stdout } = await finished(['openapi']);
        assert.equal(code, 0);
        assert.deepEqual(JSON.parse(stdout), document);
    });

    test('has no two operations of one name', () => {
        const names = operations.map(({ operation }) => operation.operationId);
        assert.deepEqual(names, [...new Set(names)]);
    });

    test('refers to nothing that it does not have, and has nothing that it does not refer to', () => {
        const references = JSON.stringify(document).match(/"#\/components\/schemas\/[^"]+"/g);
        const names = references.map((reference) => JSON.parse(reference).split('/').pop());
        assert.deepEqual([...new Set(names)].sort(), Object.keys(document.components.schemas).sort());
    });
});

describe('what it says is so', { concurrency: true }, () => {
    test('the users, their sessions and the orders are all there', () => {
        const contract = [
            'post /users', 'get /users', 'get /users/{id}', 'put /users/{id}', 'delete /users/{id}',
            'post /auth/login', 'get /auth/me',
            'post /orders', 'get /orders', 'get /orders/{id}', 'get /orders/{id}/events',
            'post /orders/{id}/payments', 'post /orders/{id}/cancel', 'put /orders/{id}/status',
        ];
        const documented = operations.map(({ method, path }) => `${method} ${path}`);
        assert.deepEqual(contract.filter((name) => !documented.includes(name)), []);
    });

    test('each operation is served, and answers with a status that it lists', async () => {
        for (const each of operations) {
            const { status, text } = await ask(each);
            assert.ok(status in each.operation.responses, `${each.method} ${each.path}: ${status} ${text}`);
        }
    });

    test('an operation asks for a token exactly where it says so', async () => {
        for (const each of operations) {
            const { status } = await ask(each);
            assert.equal(status === 401, each.operation.security !== undefined, `${each.method} ${each.path}`);
        }
    });

    test('a user has exactly the members of the schema, and no password is among them', async () => {
        const user = await cuib.member({ profile: { firstName: 'Ana' } });
        const answers = [
            [replyOf('/users', 'post', 201), (await cuib.post('/users', { body: someone() })).json],
            [replyOf('/auth/me', 'get', 200), (await cuib.get('/auth/me', user)).json],
            [replyOf('/users/{id}', 'get', 200), (await cuib.get(`/users/${user.id}`, user)).json],
            [replyOf('/auth/login', 'post', 200), (await cuib.login(user.email)).json],
            [replyOf('/users', 'get', 200), (await cuib.get('/users', { token: await cuib.admin() })).json],
        ];
        for (const [schema, answer] of answers) {
            assert.deepEqual(Object.keys(answer), Object.keys(schema.properties));
            assert.equal(schema.properties.password, undefined);
        }
    });

    test('orders, payments and events have the members of their schemas', async () => {
        const user = await cuib.member();
        const order = await cuib.order(user);
        const payment = (await cuib.pay(user, order)).json;
        const events = (await cuib.get(`/orders/${order.id}/events`, user)).json;
        const list = document.paths['/orders/{id}/events'].get.responses['200'].content['application/json'].schema;
        assert.deepEqual(Object.keys(order), Object.keys(replyOf('/orders', 'post', 201).properties));
        assert.deepEqual(Object.keys(payment),
            Object.keys(replyOf('/orders/{id}/payments', 'post', 201).properties));
        assert.equal(list.type, 'array');
        const { properties, required } = schemaOf(list.items);
        for (const event of events) {
            for (const name of required) assert.ok(name in event, name);
            for (const name of Object.keys(event)) assert.ok(name in properties, name);
        }
    });

    test('an error has the members of its schema', async () => {
        const { properties } = replyOf('/users', 'post', 400);
        const { json } = await cuib.post('/users', { body: {} });
        assert.deepEqual(Object.keys(json), Object.keys(properties));
    });

    test('the members that it requires are required, and only those', async () => {
        const body = { ...someone(), profile: {} };
        const { required } = schemaOf(document.paths['/users'].post.requestBody.content['application/json'].schema);
        for (const name of Object.keys(body)) {
            const { [name]: _, ...rest } = body;
            const { status } = await cuib.post('/users', { body: rest });
            assert.equal(status === 400, required.includes(name), name);
        }
    });
});

describe('addresses', { concurrency: true }, () => {
    test('have no regard to case and to a slash at the end, and know HEAD', async () => {
        const html = 'text/html; charset=utf-8';
        const json = 'application/json; charset=utf-8';
        const rows = [
            ['/api/docs', html], ['/api/docs/', html], ['/API/Docs/index.html', html], ['/api/docs?x=1', html],
            ['/api/docs-json', json], ['/api/Docs-JSON/', json], ['/api/docs-yaml/', 'text/yaml; charset=utf-8'],
            ['/api/docs/swagger-ui-init.js', 'application/javascript; charset=utf-8'],
        ];
        for (const [target, type] of rows) {
            const answer = await cuib.get(target);
            assert.equal(answer.status, 200, target);
            assert.equal(answer.headers['content-type'], type);
            const head = await cuib.head(target);
            assert.equal(head.status, 200, target);
            assert.equal(head.text, '');
            assert.equal(head.headers['content-length'], answer.headers['content-length']);
        }
    });

    test('of all files of the page exist, with the slash and without', async () => {
        for (const page of ['/api/docs', '/api/docs/', '/api/docs/index.html']) {
            const links = [...(await cuib.get(page)).text.matchAll(/(?:src|href)="([^"]+)"/g)];
            assert.equal(links.length, 6, page);
            for (const [, link] of links) {
                const { pathname } = new URL(link, `http://gateway${page}`);
                const { status, headers } = await cuib.get(pathname);
                assert.equal(status, 200, `${link} on ${page}`);
                assert.match(headers['content-type'], /^(text\/css|text\/javascript|application\/javascript|image\/png)/);
            }
        }
    });

    test('of files may be kept, if asked about', async () => {
        const { headers } = await cuib.get('/api/docs/swagger-ui.css');
        assert.equal(headers['cache-control'], 'public, max-age=0');
        const again = await cuib.get('/api/docs/swagger-ui.css', { headers: { 'If-None-Match': headers.etag } });
        assert.equal(again.status, 304);
        assert.equal(again.text, '');
    });

    test('that are none, and other methods, are 404', async () => {
        const answers = [
            await cuib.get('/api'), await cuib.get('/api/docs/nope'), await cuib.get('/api/docs/package.json'),
            await cuib.get('/api/docs/..%2fdocs-json'), await cuib.post('/api/docs'), await cuib.delete('/api/docs-json'),
        ];
        assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 404));
        assert.equal(answers[1].text,
            '{"message":"Cannot GET /api/docs/nope","error":"Not Found","statusCode":404}');
    });
});
