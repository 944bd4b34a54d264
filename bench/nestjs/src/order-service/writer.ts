import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';

/**
 * Transactions one after the other. TypeORM has one connection to an SQLite file, so two that ran at the
 * same time would be one, and a failure of the first would undo the second.
 */
@Injectable()
export class Writer {
    private last: Promise<unknown> = Promise.resolve();

    constructor(private readonly source: DataSource) {}

    transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
        const result = this.last.then(() => this.source.transaction(work));
        this.last = result.catch(() => undefined);
        return result;
    }
}
