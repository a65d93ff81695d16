-- Who may see and change what. Nobody but the append functions' role writes; nobody changes an entry.

-- The logs that the transaction is about. Unset or empty raises: no row would be a silent lie.
CREATE FUNCTION log.logs() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    setting text := current_setting('heelrise.logs', true);
BEGIN
    IF setting IS NULL OR setting IN ('', '{}') THEN
        RAISE EXCEPTION 'heelrise.logs is not set in this transaction' USING ERRCODE = 'HR001';
    END IF;
    RETURN setting::text[];
END
$$;

-- Their clinics (`deployment` for the registry).
CREATE FUNCTION log.clinics_of_logs() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(regexp_replace(named, '-[a-z]-[0-9]+$', '')) FROM unnest(log.logs()) AS named
$$;

CREATE FUNCTION log.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'entries are never changed or removed (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- On every partition too: a statement that names one does not fire the parent's triggers.
DO $$
DECLARE
    place regclass;
BEGIN
    FOR place IN SELECT 'log.entries'::regclass UNION SELECT inhrelid::regclass FROM pg_inherits
                 WHERE inhparent = 'log.entries'::regclass LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change()', place);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_change', place);
    END LOOP;
END
$$;

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['entries', 'streams', 'claims', 'keys', 'blobs'] LOOP
        EXECUTE format('ALTER TABLE log.%I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE log.%I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY appender ON log.%I TO heelrise_appender USING (true) WITH CHECK (true)', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['entries', 'streams', 'claims'] LOOP
        EXECUTE format('CREATE POLICY readers ON log.%I FOR SELECT TO heelrise_ingest, heelrise_engine,
            heelrise_notification, heelrise_reporting, heelrise_keeper
            USING (log = ANY ((SELECT log.logs())::text[]))', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['keys', 'blobs'] LOOP
        EXECUTE format('CREATE POLICY readers ON log.%I FOR SELECT TO heelrise_ingest, heelrise_engine,
            heelrise_notification, heelrise_reporting
            USING (clinic = ANY ((SELECT log.clinics_of_logs())::text[]))', place);
    END LOOP;
END
$$;

-- On the partitions too, without a policy: rows are reached through the parent only.
DO $$
DECLARE
    place regclass;
BEGIN
    FOR place IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'log.entries'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', place);
    END LOOP;
END
$$;

-- The registry's key for claims (such as clinics' slugs) comes with the migration, under this name only.
CREATE POLICY first_key ON log.keys FOR INSERT TO heelrise_owner
    WITH CHECK (clinic = 'deployment' AND keyid = 'claims-deployment/1');

GRANT USAGE ON SCHEMA log TO heelrise_appender, heelrise_ingest, heelrise_engine, heelrise_notification,
    heelrise_reporting, heelrise_keeper;
GRANT SELECT ON log.alembic_version, log.clinics, log.heads, log.types, log.entries, log.streams, log.claims
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting, heelrise_keeper;
GRANT SELECT ON log.keys, log.blobs
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting;
GRANT SELECT ON log.types TO heelrise_appender;
GRANT SELECT, INSERT ON log.entries, log.clinics TO heelrise_appender;
GRANT SELECT, INSERT, UPDATE ON log.heads, log.streams, log.keys TO heelrise_appender;
GRANT SELECT, INSERT, DELETE ON log.claims, log.blobs TO heelrise_appender;
