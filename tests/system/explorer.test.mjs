// Swagger UI in a browser: it needs nothing but the gateway, and its "Try it out" works.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { someone, start, temporaryDirectory } from './support.mjs';

const WAIT_MS = 30_000; // the page is 2 MB of script, and sanitizers are slow

const cuib = await start();
const origin = `http://127.0.0.1:${cuib.port}`;
const requests = [];
const mistakes = [];
let browser;
let page;

before(async () => {
    browser = await chromium.launchPersistentContext(temporaryDirectory(), {
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        headless: true,
        chromiumSandbox: false,
        viewport: { width: 1280, height: 1000 },
        args: [
            '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
        ],
    });
    browser.setDefaultTimeout(WAIT_MS);
    browser.on('request', (request) => requests.push(request.url()));
    browser.on('weberror', (error) => mistakes.push(String(error.error())));
});

after(async () => {
    await browser?.close();
    await cuib.stop();
});

beforeEach(() => open());
afterEach(() => page.evaluate(() => localStorage.clear())); // the token of the test

/** Opens the page anew: what it keeps, it keeps in the browser's storage. */
async function open(address = '/api/docs') {
    await page?.close();
    page = await browser.newPage();
    await page.goto(origin + address);
    await page.locator('.opblock').first().waitFor();
}

/** The block of an operation, opened and ready to be executed. */
async function tryOut(method, path) {
    const block = page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) });
    await block.locator('.opblock-summary').click();
    await block.getByRole('button', { name: 'Try it out' }).click();
    return block;
}

/** Executes the operation: the status and the body that the page shows, and the request that it sent. */
async function execute(block) {
    const sent = page.waitForRequest((request) => request.resourceType() === 'fetch');
    await block.getByRole('button', { name: 'Execute' }).click();
    const shown = block.locator('.live-responses-table tbody tr.response').first();
    const status = await shown.locator('.response-col_status').innerText();
    const body = await shown.locator('.highlight-code').first().innerText().catch(() => '');
    return { status: Number.parseInt(status, 10), body, request: await sent };
}

/** Gives the page a token in its dialog. */
async function authorize(token) {
    await page.locator('.auth-wrapper .authorize').first().click();
    const dialog = page.locator('.modal-ux');
    await dialog.locator('input').fill(token);
    await dialog.locator('button.authorize').click();
    await dialog.locator('button.btn-done').click();
    await dialog.waitFor({ state: 'detached' });
}

describe('the explorer', () => {
    test('shows each operation of the document, and no error', async () => {
        const { paths } = (await cuib.get('/api/docs-json')).json;
        const count = Object.values(paths).flatMap(Object.keys).length;
        assert.equal(await page.locator('.opblock').count(), count);
        assert.equal(await page.locator('.errors-wrapper').count(), 0);
        assert.equal(await page.locator('.topbar').isVisible(), false);
    });

    test('looks the same at the address with a slash', async () => {
        const count = await page.locator('.opblock').count();
        await open('/api/docs/');
        assert.equal(await page.locator('.opblock').count(), count);
    });

    test('registers the user of the example as it stands', async () => {
        const { status, body, request } = await execute(await tryOut('post', '/users'));
        assert.equal(status, 201, body);
        assert.equal(request.url(), `${origin}/users`);
        const { email, password, name } = request.postDataJSON();
        assert.equal((await cuib.login(email, password)).status, 200);
        assert.match(body, new RegExp(`"name": "${name}"`));
    });

    test('registers a user who is written by hand, and shows what is wrong with another', async () => {
        const block = await tryOut('post', '/users');
        const user = someone();
        await block.locator('textarea').first().fill(JSON.stringify(user));
        const { status, body } = await execute(block);
        assert.equal(status, 201, body);
        assert.ok(body.includes(user.email));
        await block.getByRole('button', { name: 'Clear' }).click();
        await block.locator('textarea').first().fill('{}');
        const refused = await execute(block);
        assert.equal(refused.status, 400, refused.body);
        assert.match(refused.body, /email must be an email/);
    });

    test('sends no token until it has one, then sends it, and keeps it when opened again', async () => {
        const user = await cuib.member();
        const without = await execute(await tryOut('get', '/auth/me'));
        assert.equal(without.status, 401);
        assert.equal(without.request.headers().authorization, undefined);

        await open();
        await authorize(user.token);
        const { status, body, request } = await execute(await tryOut('get', '/auth/me'));
        assert.equal(status, 200, body);
        assert.ok(body.includes(user.id));
        assert.equal(request.headers().authorization, `Bearer ${user.token}`);

        await open();
        assert.equal((await execute(await tryOut('get', '/auth/me'))).status, 200);
    });

    test('finds a user by the id in the path', async () => {
        const user = await cuib.member();
        await authorize(user.token);
        const block = await tryOut('get', '/users/{id}');
        await block.locator('tr[data-param-name="id"] input').fill(user.id);
        const { status, body, request } = await execute(block);
        assert.equal(status, 200, body);
        assert.equal(request.url(), `${origin}/users/${user.id}`);
        assert.ok(body.includes(user.email));
    });

    // Last, when the others have made the page do all it does.
    test('asks no other host for anything, and its scripts fail nowhere', () => {
        const elsewhere = requests.filter((url) => !/^(data|blob):/.test(url) && new URL(url).origin !== origin);
        assert.deepEqual(elsewhere, []);
        assert.ok(requests.some((url) => url.endsWith('/swagger-ui-bundle.js')));
        assert.deepEqual(mistakes, []);
    });
});
