import { MigrationInterface, QueryRunner } from 'typeorm';

export class Orders1700000000000 implements MigrationInterface {
    async up(runner: QueryRunner) {
        await runner.query(`CREATE TABLE events (
            position    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            id          TEXT    NOT NULL,
            stream_id   TEXT    NOT NULL,
            version     INTEGER NOT NULL,
            type        TEXT    NOT NULL,
            data        TEXT    NOT NULL,
            metadata    TEXT    NOT NULL,
            recorded_at INTEGER NOT NULL,
            UNIQUE (stream_id, version))`);
        await runner.query(`CREATE TABLE orders (
            id               TEXT    NOT NULL PRIMARY KEY,
            user_id          TEXT    NOT NULL,
            items            TEXT    NOT NULL,
            total            INTEGER NOT NULL,
            currency         TEXT    NOT NULL,
            shipping_address TEXT    NOT NULL,
            payment_method   TEXT    NOT NULL,
            status           TEXT    NOT NULL,
            version          INTEGER NOT NULL,
            created_at       INTEGER NOT NULL,
            updated_at       INTEGER NOT NULL)`);
        await runner.query('CREATE INDEX orders_by_age ON orders (created_at, id)');
        await runner.query('CREATE INDEX orders_of_user ON orders (user_id, created_at, id)');
        await runner.query('CREATE INDEX orders_by_status ON orders (status, created_at, id)');
        await runner.query(`CREATE TABLE idempotency_keys (
            user_id     TEXT NOT NULL,
            route       TEXT NOT NULL,
            key         TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            answer      TEXT NOT NULL,
            PRIMARY KEY (user_id, route, key))`);
    }

    async down(runner: QueryRunner) {
        await runner.query('DROP TABLE idempotency_keys');
        await runner.query('DROP TABLE orders');
        await runner.query('DROP TABLE events');
    }
}
