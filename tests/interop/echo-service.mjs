// The twin of echo_server.c in NestJS: golden-frames.json holds what it answers.
//
// usage: PORT=N node echo-service.mjs VERSION
import { decorate, nest, serve } from './nest-program.mjs';

const { microservices, rxjs } = nest;
const { EventPattern, MessagePattern, RpcException } = microservices;
const nobody = () =>
    new RpcException({ statusCode: 404, message: 'Nobody is here', error: 'Not Found' });
const isPlain = (data) => data !== null && typeof data === 'object' && !Array.isArray(data);
const noted = new Map();
const note = ({ key }) => { noted.set(key, (noted.get(key) ?? 0) + 1); };
const items = (last) => rxjs.range(1, last).pipe(rxjs.map((value) => ({ value })));

class Echo {}

const messages = [
    ['echo', (data) => ({ value: isPlain(data) ? data.value : data })],
    ['nothing', () => undefined],
    ['refused', () => { throw nobody(); }],
    ['delayed', ({ ms, value }) =>
        new Promise((resolve) => { setTimeout(() => resolve({ value }), ms); })],
    ['seen', ({ key }) => ({ count: noted.get(key) ?? 0 })],
    // The ends come in turns of their own, or the last item would carry `isDisposed`.
    ['stream', () => rxjs.concat(items(3), rxjs.timer(1).pipe(rxjs.ignoreElements()))],
    ['stream.empty', () => rxjs.EMPTY],
    ['stream.refused', () => rxjs.concat(items(2), rxjs.throwError(nobody))],
    [7, () => ({ value: '7' })],
    ['07', () => ({ value: '07' })],
    ['1000', () => ({ value: '1000' })],
    ['true', () => ({ value: 'true' })],
    [{ cmd: 'echo' }, () => ({ value: 'command' })],
    [{ b: 1, a: { d: 'x', c: [1, 2] } }, () => ({ value: 'nested' })],
    [{ n: null, flag: true }, () => ({ value: 'flagged' })],
    ['a"b\\c', () => ({ value: 'quoted' })],
    [{ k: 'a"b\\c' }, () => ({ value: 'quoted member' })],
];
const events = [['noted', note], ['noted.twice', note], ['noted.twice', note], [{ e: 'noted' }, note]];

const rows = [
    ...messages.map((row) => [MessagePattern, ...row]),
    ...events.map((row) => [EventPattern, ...row]),
];
for (const [index, [Pattern, pattern, handle]] of rows.entries()) {
    Echo.prototype[`row${index}`] = (data) => handle(data);
    decorate(Echo, `row${index}`, Pattern(pattern));
}
await serve(Echo);
