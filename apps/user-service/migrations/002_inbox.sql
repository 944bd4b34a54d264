-- Events of other services that have had their effect here.
CREATE TABLE inbox (
    number   INTEGER NOT NULL PRIMARY KEY, -- in the order of their arrival
    consumer TEXT    NOT NULL,
    event_id TEXT    NOT NULL,
    UNIQUE (consumer, event_id)
) STRICT;
