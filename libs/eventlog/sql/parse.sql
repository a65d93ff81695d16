-- Functions here and in state.sql and write.sql are called by log.append only, under its search_path.

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
LANGUAGE plpgsql STABLE AS $$
DECLARE
    shown text;
BEGIN
    shown := convert_from(entry, 'UTF8');
    RETURN pg_input_is_valid(shown, 'jsonb') AND jsonb_typeof(shown::jsonb) = 'object';
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;

-- Words in the order of their bytes.
CREATE FUNCTION log.in_order(words text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN (SELECT string_agg(w, ' ' ORDER BY w COLLATE "C") FROM unnest(string_to_array(words, ' ')) AS w);
END
$$;

-- Regular expressions cost more than all the rest: what the tables guarantee (a keyid that is there, a category
-- that the types know) is not matched again.
CREATE FUNCTION log.parse_readable(
    entries bytea[], units integer[], logs text[], kinds text[], clinics text[]
) RETURNS log.parsed[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    caller text := session_user;
    early timestamptz := clock_timestamp() - interval '60 seconds';
    late timestamptz := clock_timestamp() + interval '60 seconds';
    names text[] := '{actor,answers,blobs,causationid,claims,correlationid,data,data_base64,datacontenttype,dataschema,due,
        history,id,keycommit,keyid,log,occurredat,request,source,specversion,subject,time,type}';
    instant text := 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';
BEGIN
    RETURN (SELECT array_agg(ROW(
        n.unit, n.log, clinics[n.unit], d.subject, CASE WHEN d.id_valid THEN d.id::uuid END,
        d.keyid, d.request, d.claims, d.blobs, a.named[1], a.named[2]::bigint, a.named[3]::integer,
        t.ends_person, t.after_erasure, n.bytes,
        coalesce(CASE
            WHEN n.bytes > 32768 THEN 'size'
            WHEN jsonb_typeof(n.doc) <> 'object' OR n.doc = '{}' THEN 'bytes'
            WHEN t.type IS NULL THEN 'type'
            WHEN t.role <> caller THEN 'role'
            WHEN d.source IS DISTINCT FROM t.source THEN 'source'
            WHEN d.log IS DISTINCT FROM n.log OR t.kind IS DISTINCT FROM kinds[n.unit] THEN 'log'
            WHEN d.subject IS NULL OR split_part(d.subject, '-', 1) <> t.category OR length(d.subject) > 110
                OR length(d.subject) < length(t.category) + 2 OR d.subject ~ '[^a-z0-9-]'
                OR (t.category = 'access' AND d.subject <> 'access-' || left(d.time, 10)) THEN 'stream'
            WHEN d.datacontenttype = 'application/vnd.heelrise.sealed' AND length(d.keycommit) = 44
                AND n.doc ? 'data_base64' AND NOT n.doc ? 'data' AND NOT n.doc @> '{"data_base64": ""}'
                -- Under another's key it would outlive an erasure.
                AND CASE t.category
                    WHEN 'judgement' THEN split_part(d.keyid, '/', 1) = 'patient-' || substr(d.subject, 11)
                    WHEN 'delivery' THEN left(d.keyid, 8) = 'patient-' OR left(d.keyid, 7) = 'clinic-'
                    WHEN 'access' THEN left(d.keyid, 7) = 'clinic-'
                    ELSE split_part(d.keyid, '/', 1) = d.subject
                END THEN NULL
            WHEN d.datacontenttype = 'application/json' AND d.keyid IS NULL AND d.keycommit IS NULL
                AND jsonb_typeof(n.doc -> 'data') = 'object' AND NOT n.doc ? 'data_base64'
                THEN CASE WHEN NOT t.clear THEN 'clear' END
            ELSE 'attributes'
        END,
        CASE
            WHEN d.specversion IS DISTINCT FROM '1.0' OR d.actor IS NULL OR d.dataschema IS NULL OR NOT d.id_valid
                OR d.id::uuid::text <> d.id OR substr(d.id, 15, 1) NOT IN ('7', '8')
                OR substr(d.id, 20, 1) NOT IN ('8', '9', 'a', 'b') THEN 'attributes'
            -- `unknown`: it is no string.
            WHEN CASE WHEN n.doc ? 'data' THEN n.doc - 'data' ELSE n.doc END @? 'strict $.* ? ((@ starts with "") is unknown)'
                OR n.doc - names <> '{}' THEN 'attributes'
            WHEN (t.category = 'judgement') <> (d.answers IS NOT NULL) OR (d.answers IS NOT NULL AND a.named IS NULL)
                OR (d.answers IS NULL) <> (d.history IS NULL) OR (d.answers IS NULL AND d.due IS NOT NULL)
                OR length(d.history) <> 44 OR a.named[3]::integer > a.named[4]::integer THEN 'answers'
            -- Written again it has to be the same: cheaper than to match a pattern, and 24:00:60 is none.
            WHEN length(d.time) = 27 AND pg_input_is_valid(d.time, 'timestamptz')
                AND to_char(d.time::timestamptz AT TIME ZONE 'UTC', instant) = d.time
                AND length(d.occurredat) = 27 AND pg_input_is_valid(d.occurredat, 'timestamptz')
                AND to_char(d.occurredat::timestamptz AT TIME ZONE 'UTC', instant) = d.occurredat
                AND (d.due IS NULL OR (length(d.due) = 27 AND pg_input_is_valid(d.due, 'timestamptz')
                    AND to_char(d.due::timestamptz AT TIME ZONE 'UTC', instant) = d.due)) THEN
                CASE WHEN d.time::timestamptz NOT BETWEEN early AND late THEN 'clock' END
            ELSE 'attributes'
        END,
        CASE
            WHEN CASE WHEN strpos(d.claims, ' ') > 0
                THEN d.claims !~ '^[a-z_]+:[A-Za-z0-9_-]{43}( [a-z_]+:[A-Za-z0-9_-]{43})*$'
                    OR d.claims <> log.in_order(d.claims)
                -- One alone, as is usual: two small patterns cost a fourth of the one above.
                ELSE strpos(d.claims, ':') < 2 OR length(d.claims) - strpos(d.claims, ':') <> 43
                    OR split_part(d.claims, ':', 1) ~ '[^a-z_]' OR right(d.claims, 43) ~ '[^A-Za-z0-9_-]'
                END THEN 'claims'
            WHEN d.blobs !~ '^[0-9a-f]{64}( [0-9a-f]{64})*$'
                OR (strpos(d.blobs, ' ') > 0 AND d.blobs <> log.in_order(d.blobs)) THEN 'blob'
        END))::log.parsed)
    FROM (
        -- OFFSET 0 here and below: parsed once, not once for each attribute. Nested loops, which append has asked
        -- for, keep the order of the entries.
        SELECT units[i] AS unit, logs[units[i]] AS log, octet_length(entries[i]) AS bytes,
            convert_from(entries[i], 'UTF8')::jsonb AS doc
        FROM generate_series(1, cardinality(entries)) AS i OFFSET 0
    ) AS n
    CROSS JOIN LATERAL (
        SELECT n.doc ->> 'type' AS type, n.doc ->> 'source' AS source, n.doc ->> 'log' AS log,
            n.doc ->> 'subject' AS subject, n.doc ->> 'id' AS id, n.doc ->> 'time' AS time,
            n.doc ->> 'occurredat' AS occurredat, n.doc ->> 'due' AS due, n.doc ->> 'history' AS history,
            n.doc ->> 'actor' AS actor, n.doc ->> 'dataschema' AS dataschema,
            n.doc ->> 'specversion' AS specversion, n.doc ->> 'datacontenttype' AS datacontenttype,
            n.doc ->> 'keyid' AS keyid, n.doc ->> 'keycommit' AS keycommit, n.doc ->> 'request' AS request,
            n.doc ->> 'claims' AS claims, n.doc ->> 'blobs' AS blobs, n.doc ->> 'answers' AS answers,
            coalesce(pg_input_is_valid(n.doc ->> 'id', 'uuid'), false) AS id_valid OFFSET 0
    ) AS d
    CROSS JOIN LATERAL (
        SELECT CASE WHEN d.answers IS NOT NULL THEN regexp_match(d.answers,
            '^(patient-[a-z0-9-]{1,100})/([1-9][0-9]{0,14})\.([1-9][0-9]{0,5})/([1-9][0-9]{0,5})$') END AS named OFFSET 0
    ) AS a
    LEFT JOIN log.types AS t ON t.type = d.type);
END
$$;

CREATE FUNCTION log.parse(
    entries bytea[], units integer[], logs text[], kinds text[], clinics text[]
) RETURNS log.parsed[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN log.parse_readable(entries, units, logs, kinds, clinics);
EXCEPTION WHEN data_exception OR invalid_parameter_value THEN
    -- Some entry is no JSON object: it alone is refused (an empty object stands in for it).
    RETURN log.parse_readable(
        ARRAY(SELECT CASE WHEN log.readable(e.entry) THEN e.entry ELSE '{}'::bytea END
              FROM unnest(entries) WITH ORDINALITY AS e (entry, place) ORDER BY e.place),
        units, logs, kinds, clinics);
END
$$;
