-- What happened, for ever. Times are milliseconds since 1970.
CREATE TABLE events (
    position    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL,
    stream_id   TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version > 0),
    type        TEXT    NOT NULL,
    data        TEXT    NOT NULL, -- JSON object
    metadata    TEXT    NOT NULL, -- JSON object: shape, trace?, cause?, actor?
    recorded_at INTEGER NOT NULL,
    UNIQUE (stream_id, version)
) STRICT;

CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

CREATE TRIGGER events_stay_as_they_are BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

-- How far each subscriber has come: it has handled or parked every event up to here.
CREATE TABLE events_checkpoints (
    subscriber TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Streams of which a subscriber's handler has failed, and where to go on.
CREATE TABLE events_parked (
    subscriber TEXT    NOT NULL,
    stream_id  TEXT    NOT NULL,
    position   INTEGER NOT NULL, -- of the event that failed
    attempts   INTEGER NOT NULL,
    retry_at   INTEGER NOT NULL, -- 0: when somebody says so
    failure    TEXT    NOT NULL,
    PRIMARY KEY (subscriber, stream_id)
) STRICT, WITHOUT ROWID;
