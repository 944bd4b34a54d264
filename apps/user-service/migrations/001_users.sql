-- Times are milliseconds since 1970. E-mail addresses that differ in the case of ASCII letters are one account.
CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    name          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    is_active     INTEGER NOT NULL,
    roles         TEXT    NOT NULL, -- JSON array
    profile       TEXT,             -- JSON object
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX users_by_age ON users (created_at, id);

-- The orders of each user, a projection of the order service's events.
CREATE TABLE user_orders (
    id         TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    total      INTEGER NOT NULL, -- minor units
    currency   TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX user_orders_by_age ON user_orders (user_id, created_at, id);
