// Whom something can happen to: each has `suffer`, which does what a row of the schedule says and lasts as long.
import { request, run, until } from '../system/support.mjs';
import { pause } from './pause.mjs';

const PAUSE_MS = 200; // before what has ended by itself is started again
const READY_MS = 30_000;

/** A cuib process. One that ends without having been asked to is written down in `complaints`, and comes back. */
export class Program {
    constructor(name, args, settings, port, complaints) {
        Object.assign(this, { name, args, settings, port, complaints, starts: 0, log: [] });
    }

    start() {
        this.wanted = true;
        this.starts++;
        const running = run(['up', ...this.args], this.settings);
        this.running = running;
        running.exit.then(({ code, signal, stdout, stderr }) => {
            this.log.push(stdout + stderr);
            if (!this.wanted) return undefined;
            this.complaints.push(`${this.name} ended by itself: ${signal ?? code} ${stderr.slice(-400)}`);
            return pause(PAUSE_MS).then(() => { if (this.wanted) this.start(); });
        });
    }

    signal(name) {
        this.running.child.kill(name);
    }

    /** Ends it; SIGTERM must lead to exit code 0. */
    async end(signal) {
        this.wanted = false;
        this.signal(signal);
        const { code } = await this.running.ended();
        if (signal === 'SIGTERM' && code !== 0)
            this.complaints.push(`${this.name} ended with ${code} after SIGTERM`);
    }

    async ready() {
        await until(`${this.name} to be ready`, async () => {
            const answer = await request(this.port, 'GET', '/health/ready').catch(() => null);
            return answer?.status === 200;
        }, READY_MS);
    }

    /** Does what the schedule says, and lasts as long. */
    async suffer({ action, ms }) {
        if (action === 'SIGSTOP') {
            this.signal('SIGSTOP');
            await pause(ms);
            this.signal('SIGCONT');
            return;
        }
        await this.end(action);
        await pause(ms);
        this.start();
    }
}

export class Redis {
    constructor(server) {
        this.server = server;
    }

    async suffer({ action, ms }) {
        const { server } = this;
        if (action === 'FLUSHALL') {
            const client = await server.client();
            await client.command('FLUSHALL');
            client.close();
        } else if (action === 'SIGSTOP') {
            server.child.kill('SIGSTOP');
            await pause(ms);
            server.child.kill('SIGCONT');
        } else {
            await server.kill();
            await pause(ms);
            await server.start();
        }
    }
}

export class Sink {
    constructor(server) {
        this.server = server;
    }

    async suffer({ rule, ms }) {
        if (rule) {
            this.server.on(rule);
            return;
        }
        await this.server.close();
        await pause(ms);
        await this.server.listen();
    }
}
