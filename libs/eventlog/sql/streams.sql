-- The streams of one category of a log, such as all protocols in the registry. The caller's rights hold.
CREATE FUNCTION log.streams_of(wanted_log text, wanted_category text) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('heelrise.logs', true), '');
BEGIN
    PERFORM set_config('heelrise.logs', ARRAY[wanted_log]::text, true);
    RETURN QUERY
        SELECT s.stream FROM log.streams AS s
        WHERE s.log = wanted_log AND s.stream >= wanted_category || '-' AND s.stream < wanted_category || '.'
        ORDER BY s.stream;
    PERFORM set_config('heelrise.logs', before, true);
END
$$;

GRANT EXECUTE ON FUNCTION log.streams_of
    TO heelrise_ingest, heelrise_engine, heelrise_notification, heelrise_reporting, heelrise_keeper;
