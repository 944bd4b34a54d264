-- The orders as they are now: a projection of the events, written with them. Money is in minor units.
CREATE TABLE orders (
    id               TEXT    NOT NULL PRIMARY KEY,
    user_id          TEXT    NOT NULL,
    items            TEXT    NOT NULL, -- JSON array
    total            INTEGER NOT NULL,
    currency         TEXT    NOT NULL,
    shipping_address TEXT    NOT NULL, -- JSON object
    payment_method   TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    version          INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_age ON orders (created_at, id);
CREATE INDEX orders_of_user ON orders (user_id, created_at, id);
CREATE INDEX orders_by_status ON orders (status, created_at, id);

-- What was asked of the payment provider, from before it is asked until the answer is known. The id is the
-- provider's idempotency key. No projection: it says what events do not.
CREATE TABLE provider_requests (
    id              TEXT    NOT NULL PRIMARY KEY,
    kind            TEXT    NOT NULL, -- charge, refund
    state           TEXT    NOT NULL, -- pending, accepted, declined
    order_id        TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    amount          INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    payment_token   TEXT,             -- until the outcome of a charge is known
    charge_id       TEXT,             -- what a refund gives back
    idempotency_key TEXT,             -- of the client whose answer waits for the outcome
    tries           INTEGER NOT NULL,
    next_try_at     INTEGER NOT NULL, -- of a pending one
    created_at      INTEGER NOT NULL,
    settled_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX provider_requests_one_pending_charge ON provider_requests (order_id)
    WHERE kind = 'charge' AND state = 'pending';
CREATE UNIQUE INDEX provider_requests_one_refund ON provider_requests (charge_id)
    WHERE kind = 'refund';
CREATE INDEX provider_requests_pending ON provider_requests (next_try_at) WHERE state = 'pending';
CREATE INDEX provider_requests_of_order ON provider_requests (order_id);

-- The first answer to each Idempotency-Key, written in the transaction of its effect.
CREATE TABLE idempotency_keys (
    user_id     TEXT    NOT NULL,
    route       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL, -- SHA-256 of the request
    answer      TEXT,             -- JSON; null while the request runs
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, route, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
