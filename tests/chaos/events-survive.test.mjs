// Events, and the mails that they cause, survive what happens to everybody who has to do with them. A short run of
// each program; with EVENTS_SURVIVE=whole 5,000 orders in two minutes each, and Redis away for as long.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const whole = process.env.EVENTS_SURVIVE === 'whole';
const seed = process.env.SEED ?? '1';
const here = path.dirname(fileURLToPath(import.meta.url));
const TIMEOUT_MS = whole ? 15 * 60_000 : 110_000;
const [orders, seconds, outage, empty] = whole ? [5000, 120, 120, 60] : [300, 6, 3, 0];

async function succeeds(program, options) {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(process.execPath, [path.join(here, program), ...args],
        { stdio: ['ignore', 'pipe', 'inherit'] });
    const end = () => child.kill();
    process.once('exit', end);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more) => { text += more; });
    const [code] = await once(child, 'close');
    process.off('exit', end);
    console.log(text);
    assert.equal(code, 0, text);
}

for (const shape of ['redis', 'tcp', 'embedded'])
    test(`whatever is killed or cut off, what was acknowledged has its effects once, and in order: ${shape}`,
        { timeout: TIMEOUT_MS }, () => succeeds('events-survive.mjs', { shape, orders, seconds, seed, empty }));

test('while Redis is away no order is refused, and all have their effects afterwards', { timeout: TIMEOUT_MS },
    () => succeeds('redis-outage.mjs', { seconds: outage, before: whole ? 20 : 2 }));
