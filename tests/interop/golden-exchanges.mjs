// What is sent to a server for golden-frames.json, which record-golden-frames.mjs writes, and how to send it.
//
// A row is a name, what is sent, and, where Cuib is meant to answer otherwise than NestJS 12, how and why. What is
// sent is a list of texts (as UTF-8), {hex}, {pauseMs}, {text, times} and, for our end of the connection, {end: true}.
import net from 'node:net';

const frame = (packet) => {
    const text = typeof packet === 'string' ? packet : JSON.stringify(packet);
    return `${text.length}#${text}`;
};
const request = (pattern, data, id = 'r1') => frame({ pattern, data, id });
const echo = (data, id) => request('echo', data, id);
/** A frame whose JSON text is as given, and not as JSON.stringify would have it. */
const echoOf = (json) => frame(`{"pattern":"echo","data":{"value":${json}},"id":"r1"}`);
const hex = (bytes) => ({ hex: Buffer.from(bytes).toString('hex') });
const wide = Buffer.from(echo('ă😀'));
const insideEmoji = wide.indexOf(0xf0) + 2;
const wideText = JSON.stringify({ pattern: 'echo', data: 'ă😀', id: 'r1' });
const after = echo('after', 'r2');
const seen = (key) => [{ pauseMs: 60 }, request('seen', { key }, 'seen')];
const pattern = (name, value, data = 0) => [`pattern ${name}`, [request(value, data)]];
const number = (text) => [`number ${text}`, [echoOf(text)]];
const HTTP = 'a letter begins an HTTP request: one port speaks both';
const SURROGATE = 'texts are UTF-8, which has no lone surrogates: they become U+FFFD';

export const exchanges = {
    Frames: [
        ['a request and its reply', [echo('D')]],
        ['two requests in one write', [echo('a', '1') + echo('b', '2')]],
        ['a frame in two parts', [echo('D').slice(0, 10), { pauseMs: 30 }, echo('D').slice(10)]],
        ['a frame byte by byte', [...wide].flatMap((byte) => [hex([byte]), { pauseMs: 1 }])],
        ['lengths are UTF-16 code units', [echo('ă😀')]],
        ['a character in two parts',
            [hex(wide.subarray(0, insideEmoji)), { pauseMs: 30 }, hex(wide.subarray(insideEmoji))]],
        ['a length in bytes eats the next frame', [`${Buffer.byteLength(wideText)}#${wideText}`, after]],
        ['a length in bytes waits for more', [`${Buffer.byteLength(wideText)}#${wideText}`]],
        ['a length in code points', [`${[...wideText].length}#${wideText}`]],
        ['invalid UTF-8 becomes U+FFFD',
            ['40#{"pattern":"echo","data":"', hex([0xff, 0xfe]), '","id":"iv"}']],
        ['a truncated sequence is one U+FFFD',
            ['39#{"pattern":"echo","data":"', hex([0xf0, 0x9f, 0x98]), '","id":"iv"}']],
        ['a surrogate in UTF-8 is three U+FFFD',
            ['41#{"pattern":"echo","data":"', hex([0xed, 0xa0, 0x80]), '","id":"iv"}']],
        ['an overlong sequence is two U+FFFD',
            ['40#{"pattern":"echo","data":"', hex([0xc0, 0xaf]), '","id":"iv"}']],
        ['a length that is no number', ['!bc#{}']],
        ['a length that is a word', ['abc#{}'], { received: '', end: 'open', why: HTTP }],
        ['nothing is read after a corrupt length', ['!bc#{}', { pauseMs: 30 }, echo('D')]],
        ['nothing is written after a corrupt length',
            [request('delayed', { ms: 20, value: 1 }) + '!#']],
        ['a length with something behind it', ['2x#{}', after]],
        ['a length with a fraction', ['2.9#{}', after]],
        ['a length with an exponent', ['1e1#{}', after]],
        ['a length in base 16', ['0x1#{}', after]],
        ['a length after a blank', [` ${echo('D')}`]],
        ['a length after a newline', [`\n${echo('D')}`]],
        ['a length after a byte order mark', [`\ufeff${echo('D')}`]],
        ['a length with a plus', [`+${echo('D')}`]],
        ['a length with leading zeros', [`000${echo('D')}`]],
        ['a negative length', ['-1#', after]],
        ['a length of zero', ['0#', after]],
        ['no length', ['#{}', after]],
        ['no # yet', ['39']],
        ['JSON that is none', ['3#{a}', after]],
        ['JSON with something behind it', ['4#{}{}', after]],
        ['the packet null', ['4#null', after]],
        ['the packet false', ['5#false', after]],
        ['the packet 0', ['1#0', after]],
        ['the packet ""', ['2#""', after]],
        ['the packet 5', ['1#5', after]],
        ['the packet true', ['4#true', after]],
        ['the packet "x"', ['3#"x"', after]],
        ['the packet []', ['2#[]', after]],
        ['the packet {}', ['2#{}', after]],
        ['12,000 packets {} and a request', [{ text: '2#{}', times: 12_000 }, after]],
        ['a request, then our end', [echo('D'), { end: true }]],
        ['a slow request, then our end', [request('delayed', { ms: 50, value: 'D' }), { end: true }],
            { received: '54#{"response":{"value":"D"},"isDisposed":true,"id":"r1"}', end: 'closed',
              why: 'who has said all may still listen' }],
        ['an HTTP request', ['GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
            { received: /^HTTP\/1\.1 404 /, end: 'closed', why: HTTP }],
        ['an HTTP request with a #', ['GET /# HTTP/1.1\r\nHost: x\r\n\r\n'],
            { received: /^HTTP\/1\.1 400 /, end: 'closed', why: HTTP }],
    ],
    Packets: [
        ['a reply without a value', [request('nothing', 0)]],
        ['an error', [request('refused', 0)]],
        ['a pattern that nobody has', [request('nobody', 0)]],
        ['a stream', [request('stream', 0)]],
        ['a stream of nothing', [request('stream.empty', 0)]],
        ['a stream that fails', [request('stream.refused', 0)]],
        ['replies in order of completion', [request('delayed', { ms: 100, value: 'slow' }, '1') +
            request('delayed', { ms: 10, value: 'fast' }, '2')]],
        ['id null', [echo('D', null)]],
        ['id 5', [echo('D', 5)]],
        ['id ""', [echo('D', '')]],
        ['id false', [echo('D', false)]],
        ['id {"a":[1]}', [echo('D', { a: [1] })]],
        ['an id with escapes', [echo('D', '"\\\n\u0007ă😀')]],
        ['no data', [frame({ pattern: 'nothing', id: 'r1' })]],
        ['no data to an unknown pattern', [frame({ pattern: 'nobody', id: 'r1' })]],
        ['data null', [frame({ pattern: 'echo', data: null, id: 'r1' })],
            { received: '43#{"response":{},"isDisposed":true,"id":"r1"}', end: 'open',
              why: 'null as a payload is an absent one' }],
        ['no pattern', [frame({ data: 1, id: 'r1' })]],
        ['an id alone is no request', [frame({ id: 'r1' }), after]],
        ['data alone is an event', [frame({ data: 1 }), after]],
        ['other members, in any order',
            [frame({ id: 'r1', extra: 1, data: 'D', metadata: { t: '1' }, pattern: 'echo' })]],
        ['the last of two members counts',
            [frame('{"pattern":"nobody","pattern":"echo","data":"D","id":"0","id":"r1"}')]],
        ['__proto__ gives no id', [frame('{"__proto__":{"id":"r1"},"pattern":"echo","data":"D"}'), after]],
        ['an event', [frame({ pattern: 'noted', data: { key: 'an event' } }), ...seen('an event')]],
        ['an event with two handlers',
            [frame({ pattern: 'noted.twice', data: { key: 'two' } }), ...seen('two')]],
        ['an event with an object pattern',
            [frame({ pattern: '{"e":"noted"}', data: { key: 'object' } }), ...seen('object')]],
        ['an event that nobody has', [frame({ pattern: 'nobody', data: 1 }), after]],
        ['an event to a request pattern', [frame({ pattern: 'echo', data: 'D' }), after]],
        ['a request to an event pattern',
            [request('noted', { key: 'asked' }), ...seen('asked')]],
        ['a request to an event pattern with two handlers',
            [request('noted.twice', { key: 'asked twice' }), ...seen('asked twice')]],
        ['unreachable "true", known as an event', [frame({ pattern: 'true', data: 1 }), after]],
    ],
    'JSON texts': [
        ...['0', '-0', '1.0', '1e21', '1e-7', '0.30000000000000004', '123456789012345678901234567890',
            '12345678901234567890', '5e-324', '1e400'].map(number),
        ['escapes that are needed', [echoOf('"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"')]],
        ['escapes that are not', [echoOf('"\\/\\u0041\\u007f\\u2028\\u2029\\ud83d\\ude00"')]],
        ['a lone high surrogate', [echoOf('"\\ud800"')],
            { received: '54#{"response":{"value":"\ufffd"},"isDisposed":true,"id":"r1"}', end: 'open',
              why: SURROGATE }],
        ['a lone low surrogate', [echoOf('"\\uDC00x"')],
            { received: '55#{"response":{"value":"\ufffdx"},"isDisposed":true,"id":"r1"}', end: 'open',
              why: SURROGATE }],
        ['DEL, U+2028 and U+2029 as they are', [echoOf('"\u007f\u2028\u2029"')]],
        ['blanks between', [echoOf(' { "a" : [ 1 , 2 ] } ')]],
        ['members whose names are numbers come first', [echoOf('{"b":1,"2":1,"a":1,"1":1}')]],
        ['the last of two values, in the place of the first', [echoOf('{"a":1,"b":2,"a":3}')]],
        ['true, false, null, [], {}, ""', [echoOf('[true,false,null,[],{},""]')]],
        ['the value null', [echoOf('null')],
            { received: '43#{"response":{},"isDisposed":true,"id":"r1"}', end: 'open',
              why: 'null in an optional field is an absent one' }],
        ['60 levels', [echoOf('['.repeat(60) + ']'.repeat(60))]],
    ],
    Patterns: [
        pattern('{"cmd":"echo"}', { cmd: 'echo' }),
        pattern('{"cmd":"echo"} as a text', '{"cmd":"echo"}'),
        pattern('{"cmd":"echo"} as a text with blanks', '{ "cmd" : "echo" }'),
        pattern('with nested members in another order', { b: 1, a: { d: 'x', c: [1, 2] } }),
        pattern('with an object for the array', { a: { c: { 0: 1, 1: 2 }, d: 'x' }, b: 1 }),
        pattern('with "1" for 1', { a: { c: [1, 2], d: 'x' }, b: '1' }),
        pattern('{"n":null,"flag":true}', { n: null, flag: true }),
        pattern('7', 7), pattern('"7"', '7'), pattern('" 7 "', ' 7 '), pattern('"7.0"', '7.0'),
        pattern('"07"', '07'), pattern('"1e3"', '1e3'), pattern('1000', 1000),
        pattern('"true"', 'true'), pattern('true', true), pattern('null', null),
        pattern('"null"', 'null'), pattern('""', ''),
        pattern('a"b\\c', 'a"b\\c'),
        pattern('{"k":"a\\"b\\\\c"}', { k: 'a"b\\c' }),
        pattern('"\\"echo\\"", a quoted text', '"echo"', 'D'),
        pattern('" echo"', ' echo', 'D'),
        pattern('["echo"]', ['echo']),
        pattern('{}', {}), pattern('[]', []),
    ],
};

const connect = (port) => new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1').setNoDelay();
    socket.once('connect', () => resolve(socket)).once('error', reject);
});
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function send(socket, sent) {
    for (const part of sent) {
        if (part.pauseMs) await pause(part.pauseMs);
        else if (part.hex) socket.write(Buffer.from(part.hex, 'hex'));
        else if (part.end) socket.end();
        else if (part.times) socket.write(part.text.repeat(part.times));
        else socket.write(part);
    }
}

/** Sends it on a connection of its own and gives what comes back: as soon as `enough` says so, but then not before
 * `quietMs` without another byte, or when `ms` are over. */
export async function exchange(port, sent, { enough = () => true, quietMs = 60, ms = 5000 } = {}) {
    const socket = await connect(port);
    const chunks = [];
    const got = { received: '', end: 'open' };
    let heard = Date.now();
    const hear = () => {
        heard = Date.now();
        got.received = Buffer.concat(chunks).toString();
    };
    socket.on('data', (chunk) => { chunks.push(chunk); hear(); });
    socket.on('end', () => { got.end = 'closed'; hear(); });
    socket.on('error', () => { got.end = 'closed'; hear(); });
    await send(socket, sent);
    const begin = heard = Date.now();
    while (Date.now() < begin + ms && !(enough(got) && Date.now() >= heard + quietMs)) await pause(5);
    socket.destroy();
    return got;
}
