// What the NestJS programs beside the tests share: the version to run, and decorators without TypeScript.
import { readFileSync } from 'node:fs';

const version = process.argv[2];
export const nest = await import(`./nest${version}/packages.mjs`);
const { common, core, microservices } = nest;

/** Applies decorators to a method, as `@A() @B() method()` does in TypeScript. */
export function decorate(Class, method, ...decorators) {
    const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, method);
    for (const decorator of decorators) decorator(Class.prototype, method, descriptor);
}

/** A module with this one controller. */
export function moduleOf(Class) {
    class Module {}
    common.Controller()(Class);
    common.Module({ controllers: [Class] })(Module);
    return Module;
}

/** A microservice on PORT, with TLS where TLS_NAME begins the names of a certificate and its key, or on Redis
 * where REDIS_PORT is set; until SIGTERM. */
export async function serve(Class) {
    const { PORT, REDIS_PORT, TLS_NAME } = process.env;
    const transport = REDIS_PORT ? microservices.Transport.REDIS : microservices.Transport.TCP;
    const options = { host: '127.0.0.1', port: Number(REDIS_PORT ?? PORT), retryAttempts: 1000, retryDelay: 100 };
    if (TLS_NAME)
        options.tlsOptions = { cert: readFileSync(`${TLS_NAME}.pem`), key: readFileSync(`${TLS_NAME}.key`) };
    const logger = process.env.VERBOSE ? undefined : false;
    const app = await core.NestFactory.createMicroservice(moduleOf(Class), { transport, options, logger });
    await app.listen();
    console.log(`listening on ${options.port}`);
}
