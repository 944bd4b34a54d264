import { Socket } from 'node:net';
import { JsonSocket } from '@nestjs/microservices/helpers/json-socket.js';

/** NestJS's socket leaves Nagle's algorithm on, which costs a read some milliseconds at low load. */
export class PromptSocket extends JsonSocket {
    constructor(socket: Socket) {
        super(socket);
        socket.setNoDelay(true);
    }
}
