// How a NestJS service may answer `user.create` otherwise than with a user, and what the HTTP client of Cuib's gateway
// then sees. The name of the row is the name of the user that is registered.
const INTERNAL = '{"statusCode":500,"message":"Internal server error"}';
const status = (statusCode, message) => JSON.stringify({ statusCode, message });

export function answers({ common, microservices, rxjs }, user) {
    const { BadRequestException, ConflictException, HttpException, NotFoundException } = common;
    const fail = (thrown) => () => { throw thrown; };
    const rpc = (error) => fail(new microservices.RpcException(error));
    const missing = new NotFoundException('No such plan');
    return {
        'RpcException {statusCode, message}':
            [rpc({ statusCode: 404, message: 'No such plan' }), 404, status(404, 'No such plan')],
        'RpcException of an HttpException\'s response':
            [rpc(missing.getResponse()), 404, status(404, 'No such plan')],
        'RpcException with more members':
            [rpc({ statusCode: 409, message: 'Taken', code: 7 }), 409, status(409, 'Taken')],
        'RpcException, status 400': [rpc({ statusCode: 400, message: 'x' }), 400, status(400, 'x')],
        'RpcException, status 599': [rpc({ statusCode: 599, message: 'x' }), 599, status(599, 'x')],
        'RpcException, status 399': [rpc({ statusCode: 399, message: 'x' }), 500, INTERNAL],
        'RpcException, status 600': [rpc({ statusCode: 600, message: 'x' }), 500, INTERNAL],
        'RpcException, status 404.5': [rpc({ statusCode: 404.5, message: 'x' }), 500, INTERNAL],
        'RpcException, status "404"': [rpc({ statusCode: '404', message: 'x' }), 500, INTERNAL],
        'RpcException {status, message}': [rpc({ status: 404, message: 'x' }), 500, INTERNAL],
        'RpcException, no message': [rpc({ statusCode: 404 }), 500, INTERNAL],
        'RpcException, message ""': [rpc({ statusCode: 404, message: '' }), 500, INTERNAL],
        'RpcException, list of messages': [rpc({ statusCode: 400, message: ['x'] }), 500, INTERNAL],
        'RpcException, null': [rpc(null), 500, INTERNAL],
        'RpcException, text': [rpc('boom'), 500, INTERNAL],
        'RpcException of an HttpException': [rpc(missing), 500, INTERNAL],
        'NotFoundException': [fail(missing), 500, INTERNAL],
        'ConflictException': [fail(new ConflictException('Taken')), 500, INTERNAL],
        'BadRequestException of a pipe': [fail(new BadRequestException(['a', 'b'])), 500, INTERNAL],
        'HttpException of an object': [fail(new HttpException({ a: 1 }, 418)), 500, INTERNAL],
        'Error': [fail(new Error('secret')), 500, INTERNAL],
        'a thrown text': [fail('secret'), 500, INTERNAL],
        'a thrown object': [fail({ statusCode: 404, message: 'secret' }), 500, INTERNAL],
        'undefined thrown': [fail(undefined), 500, INTERNAL],
        'a rejected promise': [() => Promise.reject(new Error('secret')), 500, INTERNAL],
        'a stream that fails':
            [() => rxjs.throwError(() => new microservices.RpcException({ statusCode: 402, message: 'x' })),
                402, status(402, 'x')],
        'a value, then a failure':
            [() => rxjs.concat(rxjs.of(user()), rxjs.throwError(() => new Error('late'))), 500, INTERNAL],
        'undefined': [() => undefined, 500, INTERNAL],
        'an empty stream': [() => rxjs.EMPTY, 500, INTERNAL],
        'a stream of users':
            [() => rxjs.from([{ ...user(), name: 'first' }, { ...user(), name: 'last' }]), 201, /"name":"last"/],
        'a slow stream of users':
            [() => rxjs.timer(0, 20).pipe(rxjs.take(3), rxjs.map((i) => ({ ...user(), name: `no ${i}` }))),
                201, /"name":"no 2"/],
        'members that nobody knows': [() => ({ ...user(), added: 'later' }), 201, /^(?!.*added)/],
        'a user without an e-mail': [() => ({ ...user(), email: undefined }), 502, /"statusCode":502/],
        'a text for a user': [() => 'done', 502, /"statusCode":502/],
        'null for a user': [() => null, 502, /"statusCode":502/],
        'no answer at all': [() => rxjs.NEVER, 504, /"statusCode":504/],
    };
}
