-- The mails that events cause: one row for each event, recipient and template, which is written before anything is
-- sent and stays when it was, so that an event that comes twice is one mail. Times are milliseconds since 1970.
CREATE TABLE deliveries (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id    TEXT    NOT NULL,
    recipient   TEXT    NOT NULL, -- id of the user
    template    TEXT    NOT NULL, -- order-confirmation, payment-received, payment-failed
    data        TEXT,             -- the event's, a JSON object; null when there is nothing left to send
    state       TEXT    NOT NULL, -- pending, sent, skipped, dead, dropped
    attempts    INTEGER NOT NULL, -- that have failed
    event_at    INTEGER NOT NULL, -- when it happened
    created_at  INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL, -- of a pending one
    settled_at  INTEGER,          -- when it left the state pending
    message_id  TEXT,             -- of one that was sent
    address     TEXT,             -- where it went or was to go
    failure     TEXT,             -- what the last attempt came to
    UNIQUE (event_id, recipient, template)
) STRICT;

CREATE INDEX deliveries_due ON deliveries (next_try_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_waiting ON deliveries (created_at) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';
CREATE INDEX deliveries_settled ON deliveries (event_at) WHERE state IN ('sent', 'skipped', 'dropped');
