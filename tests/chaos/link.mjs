// A network that can be cut: a port that passes on what comes to another one.
import net from 'node:net';
import { pause } from './pause.mjs';

export class Link {
    /** Listens on `port`, and passes on to `to`: {host, port}. */
    constructor(port, to) {
        Object.assign(this, { port, to, pairs: new Set(), held: false });
        this.server = net.createServer({ noDelay: true }, (near) => this.join(near));
    }

    listen() {
        return new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(this.port, '127.0.0.1', () => {
                this.server.off('error', reject);
                resolve(this);
            });
        });
    }

    close() {
        const closed = new Promise((resolve) => { this.server.close(resolve); });
        for (const pair of this.pairs) for (const socket of pair) socket.destroy();
        return closed;
    }

    join(near) {
        const far = net.connect({ ...this.to, noDelay: true });
        const pair = [near, far];
        this.pairs.add(pair);
        for (const [from, to] of [[near, far], [far, near]]) {
            from.on('data', (bytes) => to.write(bytes));
            from.on('end', () => to.end());
            from.on('error', () => {});
            from.on('close', () => {
                this.pairs.delete(pair);
                to.destroySoon();
            });
            if (this.held) from.pause();
        }
    }

    /** Cuts the connections and makes no new ones for a while, or lets nothing pass for as long. */
    async suffer({ action, ms }) {
        if (action === 'connections cut') {
            await this.close();
            await pause(ms);
            await this.listen();
            return;
        }
        this.hold(true);
        await pause(ms);
        this.hold(false);
    }

    hold(held) {
        this.held = held;
        for (const pair of this.pairs) for (const socket of pair) held ? socket.pause() : socket.resume();
    }
}
