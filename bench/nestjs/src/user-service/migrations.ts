import { MigrationInterface, QueryRunner } from 'typeorm';

export class Users1700000000000 implements MigrationInterface {
    async up(runner: QueryRunner) {
        await runner.query(`CREATE TABLE users (
            id            TEXT     NOT NULL PRIMARY KEY,
            email         TEXT     NOT NULL COLLATE NOCASE UNIQUE,
            name          TEXT     NOT NULL,
            password_hash TEXT     NOT NULL,
            is_active     BOOLEAN  NOT NULL DEFAULT 1,
            roles         TEXT     NOT NULL,
            profile       TEXT,
            created_at    DATETIME NOT NULL DEFAULT (datetime('now')),
            updated_at    DATETIME NOT NULL DEFAULT (datetime('now')))`);
        await runner.query(`CREATE TABLE user_orders (
            id         TEXT     NOT NULL PRIMARY KEY,
            user_id    TEXT     NOT NULL,
            total      INTEGER  NOT NULL,
            currency   TEXT     NOT NULL,
            status     TEXT     NOT NULL,
            created_at DATETIME NOT NULL)`);
        await runner.query('CREATE INDEX user_orders_by_age ON user_orders (user_id, created_at, id)');
    }

    async down(runner: QueryRunner) {
        await runner.query('DROP TABLE user_orders');
        await runner.query('DROP TABLE users');
    }
}
