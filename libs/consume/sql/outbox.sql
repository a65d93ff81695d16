-- What shall be sent and is not over yet. Ids only. `due_at` is when it is tried next; while a try is under
-- way it lies ahead, so that a try whose process died is made again.
CREATE TABLE {table} (
    delivery text COLLATE "C" NOT NULL,
    log text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    about text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    template text NOT NULL,
    effective_at timestamptz NOT NULL,
    key text,
    attempt integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (log, delivery)
);
CREATE INDEX ON {table} (delivery);
CREATE INDEX ON {table} (due_at);
