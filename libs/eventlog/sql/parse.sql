-- What the append needs to know of entries, taken from their bytes; nothing of it is told by the caller.

CREATE TYPE log.parsed AS (
    unit integer,
    log text,
    clinic text,
    stream text,
    id uuid,
    keyid text,
    request text,
    claims text,
    blobs text,
    answers_stream text,
    answers_version bigint,
    answers_ordinal integer,
    ends_person boolean,
    after_erasure boolean,
    bytes integer,
    refusal text
);

-- Whether bytes are a JSON object that PostgreSQL can hold.
CREATE FUNCTION log.readable(entry bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown text;
BEGIN
    shown := convert_from(entry, 'UTF8');
    RETURN pg_input_is_valid(shown, 'jsonb') AND jsonb_typeof(shown::jsonb) = 'object';
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;

CREATE FUNCTION log.parse_readable(entries bytea[], units integer[], logs text[]) RETURNS log.parsed[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT array_agg(ROW(
        n.unit, n.log, n.clinic, d.subject,
        CASE WHEN d.id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
            THEN d.id::uuid END,
        d.keyid, d.request, d.claims, d.blobs, a.named[1], a.named[2]::bigint, a.named[3]::integer,
        t.category = 'patient' AND t.type LIKE 'heelrise.patient\_erased.v%', t.after_erasure, octet_length(n.entry),
        CASE
            WHEN octet_length(n.entry) > 32768 THEN 'size'
            WHEN n.doc = '{}' THEN 'bytes'
            WHEN t.type IS NULL THEN 'type'
            WHEN t.role <> session_user THEN 'role'
            WHEN d.source IS DISTINCT FROM t.source THEN 'source'
            WHEN d.log IS DISTINCT FROM n.log OR t.kind IS DISTINCT FROM substring(n.log FROM '-([a-z])-[0-9]+$')
                THEN 'log'
            WHEN d.subject !~ '^[a-z]+-[a-z0-9-]{1,100}$' OR split_part(d.subject, '-', 1) <> t.category
                OR (t.category = 'access' AND d.subject <> 'access-' || left(d.time, 10)) OR d.subject IS NULL
                THEN 'stream'
            WHEN d.datacontenttype = 'application/json' AND NOT t.clear THEN 'clear'
            WHEN d.datacontenttype IS DISTINCT FROM 'application/json'
                AND d.datacontenttype IS DISTINCT FROM 'application/vnd.heelrise.sealed' THEN 'attributes'
            WHEN (d.datacontenttype = 'application/json') <> (n.doc ? 'data')
                OR (d.datacontenttype <> 'application/json') <> (n.doc ? 'data_base64')
                OR (n.doc ? 'data_base64') <> (d.keyid IS NOT NULL) OR (d.keyid IS NULL) <> (d.keycommit IS NULL)
                OR d.keyid !~ '^[a-z]+-[a-z0-9-]+/[1-9][0-9]*$' OR d.keyid LIKE 'claims-%' THEN 'attributes'
            WHEN d.specversion IS DISTINCT FROM '1.0' OR d.id IS NULL OR d.actor IS NULL OR d.dataschema IS NULL
                OR d.id !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' THEN 'attributes'
            WHEN (t.category = 'judgement') <> (d.answers IS NOT NULL) OR (d.answers IS NOT NULL AND a.named IS NULL)
                THEN 'answers'
            WHEN d.time IS NULL OR d.time !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$'
                OR NOT pg_input_is_valid(d.time, 'timestamptz') THEN 'attributes'
            WHEN abs(extract(epoch FROM d.time::timestamptz - clock_timestamp())) > 60 THEN 'clock'
            WHEN d.claims !~ '^[a-z_]+:[A-Za-z0-9_-]{43}( [a-z_]+:[A-Za-z0-9_-]{43})*$' THEN 'claims'
            WHEN d.blobs !~ '^[0-9a-f]{64}( [0-9a-f]{64})*$' THEN 'blob'
        END)::log.parsed)
    FROM (
        -- OFFSET 0 here and below: parsed once, not once for each attribute.
        SELECT e.unit, logs[e.unit] AS log, regexp_replace(logs[e.unit], '-[a-z]-[0-9]+$', '') AS clinic, e.entry,
            convert_from(e.entry, 'UTF8')::jsonb AS doc
        FROM unnest(units, entries) WITH ORDINALITY AS e (unit, entry, place) ORDER BY e.place OFFSET 0
    ) AS n
    CROSS JOIN LATERAL (
        SELECT n.doc ->> 'type' AS type, n.doc ->> 'source' AS source, n.doc ->> 'log' AS log,
            n.doc ->> 'subject' AS subject, n.doc ->> 'id' AS id, n.doc ->> 'time' AS time,
            n.doc ->> 'actor' AS actor, n.doc ->> 'dataschema' AS dataschema,
            n.doc ->> 'specversion' AS specversion, n.doc ->> 'datacontenttype' AS datacontenttype,
            n.doc ->> 'keyid' AS keyid, n.doc ->> 'keycommit' AS keycommit, n.doc ->> 'request' AS request,
            n.doc ->> 'claims' AS claims, n.doc ->> 'blobs' AS blobs, n.doc ->> 'answers' AS answers OFFSET 0
    ) AS d
    CROSS JOIN LATERAL (
        SELECT CASE WHEN d.answers IS NOT NULL THEN regexp_match(d.answers,
            '^(patient-[a-z0-9-]{1,100})/([1-9][0-9]{0,14})\.([1-9][0-9]{0,5})/[1-9][0-9]{0,5}$') END AS named OFFSET 0
    ) AS a
    LEFT JOIN log.types AS t ON t.type = d.type);
END
$$;

CREATE FUNCTION log.parse(entries bytea[], units integer[], logs text[]) RETURNS log.parsed[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN log.parse_readable(entries, units, logs);
EXCEPTION WHEN data_exception OR invalid_parameter_value THEN
    -- Some entry is no JSON object: it alone is refused (an empty object stands in for it).
    RETURN log.parse_readable(
        ARRAY(SELECT CASE WHEN log.readable(e.entry) THEN e.entry ELSE '{}'::bytea END
              FROM unnest(entries) WITH ORDINALITY AS e (entry, place) ORDER BY e.place),
        units, logs);
END
$$;
