-- How far each consumer is in each log, and which patients wait for somebody to look. Ids only, nothing
-- of what is known of a person; a consumer is named as its role is, without `heelrise_`.

CREATE TABLE consume.cursors (
    consumer text COLLATE "C",
    log text COLLATE "C",
    position bigint NOT NULL DEFAULT -1,
    PRIMARY KEY (log, consumer)
) WITH (fillfactor = 50);

CREATE TABLE consume.quarantine (
    consumer text COLLATE "C",
    log text COLLATE "C",
    stream text COLLATE "C",
    from_version bigint NOT NULL,
    error_code text NOT NULL,
    detail text NOT NULL,
    since timestamptz NOT NULL,
    tries integer NOT NULL,
    PRIMARY KEY (log, consumer, stream)
);

GRANT USAGE ON SCHEMA consume TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting,
    heelrise_keeper;
GRANT SELECT ON consume.cursors, consume.quarantine TO heelrise_ingest, heelrise_engine,
    heelrise_notification, heelrise_reporting, heelrise_keeper;
GRANT INSERT, UPDATE, DELETE ON consume.cursors, consume.quarantine TO heelrise_engine, heelrise_notification,
    heelrise_reporting, heelrise_keeper;

-- Everybody sees how far all are (status, "not current"); each moves its own.
DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['cursors', 'quarantine'] LOOP
        EXECUTE format('ALTER TABLE consume.%I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE consume.%I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY seen ON consume.%I FOR SELECT USING (true)', place);
        EXECUTE format('CREATE POLICY own ON consume.%I USING (consumer = substr(session_user, 10))
            WITH CHECK (consumer = substr(session_user, 10))', place);
    END LOOP;
END
$$;
