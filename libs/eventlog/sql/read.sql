-- Reading in one round trip: the setting that row-level security asks for, and the rows. The caller's rights
-- hold. Within a caller's transaction its own setting is put back.

CREATE FUNCTION log.read(wanted_log text, after bigint, at_most integer)
RETURNS TABLE (log text, "position" bigint, stream text, version bigint, leaf_hash bytea, entry bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT e.log, e.position, e.stream, e.version, e.leaf_hash, e.entry FROM log.entries AS e
        WHERE e.log = wanted_log AND e.position > after ORDER BY e.position LIMIT at_most;
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

-- A patient of years is some megabytes: sorted in memory, not on the disk.
CREATE FUNCTION log.read_streams(wanted_log text, streams text[], after bigint)
RETURNS TABLE (log text, "position" bigint, stream text, version bigint, leaf_hash bytea, entry bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET work_mem = '32MB' AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT e.log, e.position, e.stream, e.version, e.leaf_hash, e.entry FROM log.entries AS e
        WHERE e.log = wanted_log AND e.stream = ANY (streams) AND e.position > after ORDER BY e.position;
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

CREATE FUNCTION log.read_answers(wanted_log text, wanted_stream text, wanted_version bigint)
RETURNS TABLE (log text, "position" bigint, stream text, version bigint, leaf_hash bytea, entry bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT e.log, e.position, e.stream, e.version, e.leaf_hash, e.entry FROM log.entries AS e
        WHERE e.log = wanted_log AND e.answers_stream = wanted_stream AND e.answers_version = wanted_version
        ORDER BY e.answers_ordinal;
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

CREATE FUNCTION log.find_claim(wanted_log text, wanted_kind text, wanted_digest text)
RETURNS TABLE ("position" bigint, stream text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT e.position, e.stream FROM log.claims AS c JOIN log.entries AS e USING (log, position)
        WHERE c.log = wanted_log AND c.kind = wanted_kind AND c.digest = wanted_digest;
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

CREATE FUNCTION log.read_keys(wanted_log text, keyids text[])
RETURNS TABLE (keyid text, secret bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT k.keyid, k.secret FROM log.keys AS k
        WHERE k.clinic = regexp_replace(wanted_log, '-[a-z]-[0-9]+$', '') AND k.keyid = ANY (keyids);
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

CREATE FUNCTION log.read_blob(wanted_log text, wanted_address text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
    found_body bytea;
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    SELECT b.body INTO found_body FROM log.blobs AS b
        WHERE b.clinic = regexp_replace(wanted_log, '-[a-z]-[0-9]+$', '') AND b.address = wanted_address;
    PERFORM set_config('heelrise.logs', before, true);
    RETURN found_body;
END
$$;

GRANT EXECUTE ON FUNCTION log.logs, log.clinics_of_logs, log.read, log.read_streams, log.read_answers,
    log.find_claim, log.read_keys, log.read_blob
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting, heelrise_keeper;
