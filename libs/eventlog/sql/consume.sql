-- How far each consumer has handled each log, and whose inputs wait. Ids only, nothing personal.

CREATE SCHEMA consume;

CREATE TABLE consume.cursors (
    log text COLLATE "C",
    consumer text COLLATE "C",
    position bigint NOT NULL DEFAULT -1,
    next_due timestamptz,
    PRIMARY KEY (log, consumer)
) WITH (fillfactor = 50);
CREATE INDEX cursors_by_consumer ON consume.cursors (consumer, log);

CREATE TABLE consume.quarantine (
    log text COLLATE "C",
    consumer text COLLATE "C",
    stream text COLLATE "C",
    from_version bigint NOT NULL,
    error_code text NOT NULL,
    detail text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    tries integer NOT NULL DEFAULT 1,
    PRIMARY KEY (log, consumer, stream)
);

GRANT USAGE ON SCHEMA consume TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting,
    heelrise_keeper;
GRANT SELECT, INSERT, UPDATE ON consume.cursors
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting, heelrise_keeper;
GRANT SELECT, INSERT, UPDATE, DELETE ON consume.quarantine
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting, heelrise_keeper;
