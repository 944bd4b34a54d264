// How a NestJS service may take an event that comes as a request, and what Cuib's order service makes of it: a dead
// letter, or none, after so many attempts. The name of the row is the name of the user whose order it is.
//
// MENDED=1 is a service in which somebody has mended what fails always.
export const broken = 'an Error, always';

export function outcomes({ common, microservices, rxjs }) {
    const { RpcException } = microservices;
    const always = (thrown) => () => { throw thrown; };
    const first = (times, fail) => (attempt) => attempt <= times && fail(attempt);
    const refuse = (error) => always(new RpcException(error));
    const missing = new common.NotFoundException('No such plan');
    return {
        [broken]: { handle: () => { if (!process.env.MENDED) throw new Error('out of range'); } },
        'undefined': { handle: () => undefined, attempts: 1 },
        'null': { handle: () => null, attempts: 1 },
        'a value': { handle: () => ({ sent: true }), attempts: 1 },
        'a stream of values': { handle: () => rxjs.of(1, 2), attempts: 1 },
        'an empty stream': { handle: () => rxjs.EMPTY, attempts: 1 },
        'an Error, twice': { handle: first(2, always(new Error('The mail server is down'))), attempts: 3 },
        'RpcException, a text, once': { handle: first(1, refuse('busy')), attempts: 2 },
        'RpcException, status 503, once':
            { handle: first(1, refuse({ statusCode: 503, message: 'Later' })), attempts: 2 },
        'a stream that fails, once':
            { handle: first(1, () => rxjs.throwError(() => new Error('late'))), attempts: 2 },
        'NotFoundException, once': { handle: first(1, always(missing)), attempts: 2 },
        'RpcException, status 400':
            { handle: refuse({ statusCode: 400, message: 'No such plan' }), attempts: 3, dead: '400 No such plan' },
        'RpcException of an HttpException\'s response': {
            handle: refuse(missing.getResponse()),
            attempts: 3, dead: '404 No such plan',
        },
    };
}
