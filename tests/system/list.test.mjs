// The admin's list of users: pages, cursors and the search by address.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freshEmail, start, userKeys } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const token = await cuib.admin();
const page = async (query) => {
    const answer = await cuib.get(`/users?${query}`, { token });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json), ['items', 'nextCursor']);
    return answer.json;
};
const members = [];
for (let i = 0; i < 25; i++) members.push(await cuib.register());
const ids = members.map(({ id }) => id);

async function walk(limit, between = async () => {}) {
    const seen = [];
    for (let cursor = ''; cursor !== null;) {
        const { items, nextCursor } = await page(`limit=${limit}${cursor && `&cursor=${cursor}`}`);
        assert.ok(items.length <= limit);
        assert.ok(nextCursor === null || items.length === limit, 'only the last page is short');
        seen.push(...items);
        cursor = nextCursor === null ? null : encodeURIComponent(nextCursor);
        await between(items);
    }
    return seen;
}

test('a page has 20 users unless the limit says otherwise', async () => {
    assert.equal((await page('')).items.length, 20);
    assert.equal((await page('limit=1')).items.length, 1);
    assert.equal((await page('limit=100')).items.length, 26);
    assert.equal((await page('limit=100')).nextCursor, null);
});

test('items are whole users, newest first', async () => {
    const { items } = await page('limit=100');
    for (const item of items) assert.deepEqual(Object.keys(item), userKeys);
    assert.deepEqual(items.slice(0, 25).map(({ id }) => id).sort(), [...ids].sort());
    const times = items.map(({ createdAt }) => createdAt);
    assert.deepEqual(times, [...times].sort().reverse());
    assert.deepEqual(items.find(({ id }) => id === ids[7]), members[7]);
});

test('the pages together are the whole list, whatever their size', async () => {
    const whole = (await page('limit=100')).items;
    for (const limit of [1, 2, 13, 25, 26]) assert.deepEqual(await walk(limit), whole);
});

test('a cursor stays valid while users come', async () => {
    const whole = (await page('limit=100')).items;
    assert.deepEqual(await walk(6, () => cuib.register()), whole);
});

test('a cursor stays valid when the user it stands on goes', async () => {
    const whole = (await page('limit=100')).items;
    const seen = await walk(7, async (items) => {
        const last = items.at(-1);
        if (!last.roles.includes('admin')) await cuib.delete(`/users/${last.id}`, { token });
    });
    assert.deepEqual(seen, whole);
});

test('a bad limit is 400', async () => {
    for (const limit of ['0', '101', '-1', '1.5', 'abc', '%20', '99999999999999999999']) {
        const answer = await cuib.get(`/users?limit=${limit}`, { token });
        assert.equal(answer.status, 400, `limit=${limit}: ${answer.text}`);
        assert.equal(answer.json.error, 'Bad Request');
    }
});

test('a bad cursor is 400', async () => {
    const { nextCursor } = await page('limit=1');
    const bad = ['x', '!!', '%00', 'a'.repeat(1000), `${nextCursor}x`, nextCursor.slice(1)];
    for (const cursor of bad) {
        const answer = await cuib.get(`/users?cursor=${cursor}`, { token });
        assert.equal(answer.status, 400, `cursor=${cursor}: ${answer.text}`);
        assert.equal(answer.json.error, 'Bad Request');
    }
});

test('unknown query parameters are ignored', async () => {
    assert.equal((await page('limit=1&color=red&limits=0')).items.length, 1);
});

test('an address finds its user', async () => {
    const user = await cuib.register({ email: `a+b.'${freshEmail()}` });
    const email = encodeURIComponent(user.email);
    for (const query of [`email=${email}`, `limit=5&email=${email}`]) {
        const answer = await cuib.get(`/users?${query}`, { token });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.json, user);
    }
});

test('an address that nobody has is 404', async () => {
    const answer = await cuib.get(`/users?email=${freshEmail()}`, { token });
    assert.equal(answer.status, 404);
    assert.equal(answer.json.error, 'Not Found');
});
