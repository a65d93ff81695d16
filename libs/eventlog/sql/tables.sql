-- The record. Every key and unique index begins with the log (or the clinic), so that logs can be sharded.

CREATE TABLE log.clinics (
    clinic text COLLATE "C" PRIMARY KEY
        CHECK (clinic ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$' AND clinic <> 'deployment'),
    id uuid NOT NULL,
    zone text NOT NULL,
    name text NOT NULL
);

-- One row a log; locking it orders the log's writers. Room for HOT updates: it changes with every append.
CREATE TABLE log.heads (
    log text COLLATE "C" PRIMARY KEY CHECK (log ~ '^[a-z0-9-]{1,48}$'),
    clinic text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('c', 'a', 'r')),
    size bigint NOT NULL DEFAULT 0,
    successor text COLLATE "C"
) WITH (fillfactor = 10);
CREATE INDEX heads_by_clinic ON log.heads (clinic, log);

-- Which types there are, and who may append them where. Filled from the catalogue.
CREATE TABLE log.types (
    type text COLLATE "C" PRIMARY KEY,
    role text COLLATE "C" NOT NULL,
    source text NOT NULL,
    kind text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    clear boolean NOT NULL,
    ends_person boolean NOT NULL,
    after_erasure boolean NOT NULL
);

CREATE TABLE log.entries (
    log text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    id uuid NOT NULL,
    answers_stream text COLLATE "C",
    answers_version bigint,
    answers_ordinal integer,
    entry bytea NOT NULL,
    leaf_hash bytea NOT NULL GENERATED ALWAYS AS (sha256('\x00'::bytea || entry)) STORED,
    trace text,
    PRIMARY KEY (log, position),
    UNIQUE (log, stream, version),
    UNIQUE (log, id)
) PARTITION BY HASH (log);
CREATE UNIQUE INDEX entries_answers ON log.entries (log, answers_stream, answers_version, answers_ordinal)
    WHERE answers_stream IS NOT NULL;
-- Ciphertext does not compress; an entry of usual size stays in its row.
ALTER TABLE log.entries ALTER COLUMN entry SET STORAGE EXTERNAL;

DO $$
BEGIN
    FOR n IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE log.entries_%s PARTITION OF log.entries FOR VALUES WITH (MODULUS 16, REMAINDER %s)
             WITH (toast_tuple_target = 8160)', n, n);
    END LOOP;
END
$$;

CREATE TABLE log.streams (
    log text COLLATE "C",
    stream text COLLATE "C",
    version bigint NOT NULL,
    PRIMARY KEY (log, stream)
) WITH (fillfactor = 70);

-- What is unique in a log until it is released. The unit that holds a claim is contiguous in the log.
CREATE TABLE log.claims (
    log text COLLATE "C",
    kind text COLLATE "C",
    digest text COLLATE "C",
    position bigint NOT NULL,
    unit_position bigint NOT NULL,
    unit_size integer NOT NULL,
    role text COLLATE "C" NOT NULL,
    owner text COLLATE "C",
    -- Claimed in an envelope: never released, or the request could be recorded twice.
    request boolean NOT NULL,
    PRIMARY KEY (log, kind, digest)
);
CREATE INDEX claims_by_owner ON log.claims (log, owner) WHERE owner IS NOT NULL;

-- A destroyed key stays as a tombstone: its id is never used again.
CREATE TABLE log.keys (
    clinic text COLLATE "C",
    keyid text COLLATE "C" CHECK (keyid ~ '^[a-z]+-[a-z0-9-]+/[1-9][0-9]*$'),
    owner text COLLATE "C" NOT NULL CHECK (owner = split_part(keyid, '/', 1)),
    secret bytea CHECK (octet_length(secret) = 32),
    destroyed_at timestamptz,
    PRIMARY KEY (clinic, keyid),
    CHECK ((secret IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX keys_by_owner ON log.keys (clinic, owner);
-- Every append asks who was erased: few, so that this stays small.
CREATE INDEX keys_destroyed ON log.keys (clinic, owner) WHERE secret IS NULL;

CREATE TABLE log.blobs (
    clinic text COLLATE "C",
    address text COLLATE "C",
    owner text COLLATE "C",
    body bytea NOT NULL CHECK (encode(sha256(body), 'hex') = address AND octet_length(body) <= 16777216),
    PRIMARY KEY (clinic, address)
);
CREATE INDEX blobs_by_owner ON log.blobs (clinic, owner) WHERE owner IS NOT NULL;
ALTER TABLE log.blobs ALTER COLUMN body SET STORAGE EXTERNAL;

INSERT INTO log.heads (log, clinic, kind) VALUES ('deployment-r-1', 'deployment', 'r');
