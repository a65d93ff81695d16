-- What the log says at the moment, as the append needs it: everything named gets a number, so that units can
-- be judged in order in memory, each seeing those before it. Called with the heads held.

-- The heads, in the order of their ids: first those that are free, then the rest, 100 ms for all of them.
CREATE FUNCTION log.take_heads(
    wanted text[], clinics text[],
    OUT known text[], OUT closed text[], OUT logs text[], OUT sizes bigint[], OUT whole boolean
) LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + interval '100 milliseconds';
    patience text := current_setting('lock_timeout');
    remaining integer;
    each text;
    its_size bigint;
    its_successor text;
BEGIN
    IF clinics IS NOT NULL THEN
        wanted := wanted || ARRAY(SELECT h.log FROM log.heads AS h WHERE h.clinic = ANY (clinics));
    END IF;
    SELECT array_agg(h.log), array_agg(h.size), array_agg(h.log) FILTER (WHERE h.successor IS NOT NULL)
    INTO logs, sizes, closed FROM (
        SELECT h.log, h.size, h.successor FROM log.heads AS h WHERE h.log = ANY (wanted)
        ORDER BY h.log FOR NO KEY UPDATE SKIP LOCKED
    ) AS h;
    whole := wanted <@ logs;
    IF whole THEN
        known := logs;
        RETURN;
    END IF;
    SELECT array_agg(h.log ORDER BY h.log), array_agg(h.log) FILTER (WHERE h.successor IS NOT NULL)
    INTO known, closed FROM log.heads AS h WHERE h.log = ANY (wanted);
    logs := coalesce(logs, '{}');
    sizes := coalesce(sizes, '{}');
    IF cardinality(logs) = coalesce(cardinality(known), 0) THEN
        RETURN;
    END IF;
    FOR each IN SELECT k FROM unnest(known) AS k WHERE k <> ALL (logs) ORDER BY k COLLATE "C" LOOP
        remaining := extract(milliseconds FROM until - clock_timestamp())::integer;
        EXIT WHEN remaining < 1;
        BEGIN
            PERFORM set_config('lock_timeout', remaining::text, true);
            -- What the statement above saw of it may be older than what its holder left behind.
            SELECT h.size, h.successor INTO STRICT its_size, its_successor
                FROM log.heads AS h WHERE h.log = each FOR NO KEY UPDATE;
            logs := logs || each;
            sizes := sizes || its_size;
            IF its_successor IS NOT NULL THEN closed := closed || each; END IF;
        EXCEPTION WHEN lock_not_available THEN
            EXIT;
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', patience, true);
END
$$;

-- Whether places ascend from 1 to at most `most`: the append walks them in step with the units.
CREATE FUNCTION log.ascend(places integer[], most integer) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN array_ndims(places) = 1 AND array_lower(places, 1) = 1 AND places[1] >= 1
        AND places[cardinality(places)] <= most AND places = ARRAY(SELECT p FROM unnest(places) AS p ORDER BY p);
END
$$;

-- Numbers from 1 for distinct (scope, name) pairs, and the pairs in the order of their numbers.
CREATE FUNCTION log.number(scopes text[], names text[],
    OUT numbers integer[], OUT distinct_scopes text[], OUT distinct_names text[]
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF cardinality(names) = 1 THEN
        numbers := '{1}'; distinct_scopes := scopes; distinct_names := names;
        RETURN;
    END IF;
    SELECT array_agg(r.number ORDER BY r.n),
        array_agg(r.scope ORDER BY r.number) FILTER (WHERE r.time = 1),
        array_agg(r.name ORDER BY r.number) FILTER (WHERE r.time = 1)
    INTO numbers, distinct_scopes, distinct_names FROM (
        SELECT u.n, u.scope, u.name,
            dense_rank() OVER (ORDER BY u.scope COLLATE "C", u.name COLLATE "C")::integer AS number,
            row_number() OVER (PARTITION BY u.scope COLLATE "C", u.name COLLATE "C") AS time
        FROM unnest(scopes, names) WITH ORDINALITY AS u (scope, name, n)
    ) AS r;
END
$$;

CREATE FUNCTION log.number_streams(
    parsed log.parsed[], unit_logs text[], expected_units integer[], expected_streams text[],
    OUT of_entry integer[], OUT of_expected integer[],
    OUT logs text[], OUT names text[], OUT versions bigint[], OUT persons text[], OUT erased boolean[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    numbers integer[];
BEGIN
    IF cardinality(parsed) = 1 THEN
        logs := ARRAY[(parsed[1]).log]; names := ARRAY[(parsed[1]).stream];
    ELSE
        SELECT array_agg((parsed[i]).log), array_agg((parsed[i]).stream) INTO logs, names
            FROM generate_series(1, cardinality(parsed)) AS i;
    END IF;
    IF expected_units <> '{}' THEN
        logs := logs || ARRAY(SELECT unit_logs[e.unit] FROM unnest(expected_units) WITH ORDINALITY AS e (unit, n)
                              ORDER BY e.n);
        names := names || expected_streams;
    END IF;
    SELECT n.numbers, n.distinct_scopes, n.distinct_names INTO numbers, logs, names FROM log.number(logs, names) AS n;
    of_entry := numbers[:cardinality(parsed)];
    of_expected := numbers[cardinality(parsed) + 1:];
    SELECT array_agg(coalesce(s.version, 0) ORDER BY u.n), array_agg(u.person ORDER BY u.n),
        array_agg(g.gone IS NOT NULL ORDER BY u.n)
    INTO versions, persons, erased
    FROM (
        SELECT d.log, d.stream, d.n, left(rtrim(d.log, '0123456789'), -3) AS clinic,
            CASE WHEN left(d.stream, 8) = 'patient-' THEN d.stream
                WHEN left(d.stream, 10) = 'judgement-' THEN 'patient-' || substr(d.stream, 11) END AS person
        FROM unnest(logs, names) WITH ORDINALITY AS d (log, stream, n)
    ) AS u
    LEFT JOIN LATERAL (
        SELECT s.version FROM log.streams AS s WHERE s.log = u.log AND s.stream = u.stream OFFSET 0
    ) AS s ON true
    LEFT JOIN LATERAL (
        SELECT true AS gone FROM log.keys AS k
        WHERE k.clinic = u.clinic AND k.owner = u.person
            AND k.secret IS NULL LIMIT 1
    ) AS g ON true;
END
$$;

-- States: 0 unknown, 1 usable, 2 destroyed (or of a person who was erased). An entry without a key has 0 too.
CREATE FUNCTION log.number_keys(
    parsed log.parsed[], unit_clinics text[], new_units integer[], new_keyids text[],
    OUT of_entry integer[], OUT of_new integer[], OUT clinics text[], OUT keyids text[], OUT states integer[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    numbers integer[];
BEGIN
    IF cardinality(parsed) = 1 THEN
        clinics := ARRAY[(parsed[1]).clinic]; keyids := ARRAY[(parsed[1]).keyid];
    ELSE
        SELECT array_agg((parsed[i]).clinic), array_agg((parsed[i]).keyid) INTO clinics, keyids
            FROM generate_series(1, cardinality(parsed)) AS i;
    END IF;
    IF new_units <> '{}' THEN
        clinics := clinics || ARRAY(SELECT unit_clinics[k.unit] FROM unnest(new_units) WITH ORDINALITY AS k (unit, n)
                                    ORDER BY k.n);
        keyids := keyids || new_keyids;
    END IF;
    SELECT n.numbers, n.distinct_scopes, n.distinct_names INTO numbers, clinics, keyids
        FROM log.number(clinics, keyids) AS n;
    of_entry := numbers[:cardinality(parsed)];
    of_new := numbers[cardinality(parsed) + 1:];
    SELECT array_agg(CASE WHEN k.usable THEN 1 WHEN NOT k.usable OR g.gone THEN 2 ELSE 0 END ORDER BY u.n)
    INTO states FROM unnest(clinics, keyids) WITH ORDINALITY AS u (clinic, keyid, n)
    LEFT JOIN LATERAL (
        SELECT k.secret IS NOT NULL AS usable FROM log.keys AS k
        WHERE k.clinic = u.clinic AND k.keyid = u.keyid OFFSET 0
    ) AS k ON true
    LEFT JOIN LATERAL (
        SELECT true AS gone FROM log.keys AS d
        WHERE k.usable IS NULL AND d.clinic = u.clinic AND d.owner = split_part(u.keyid, '/', 1)
            AND d.secret IS NULL LIMIT 1
    ) AS g ON true;
END
$$;

-- Claims (those in the envelopes, then those told of sealed data) and releases, each in the order of units.
CREATE FUNCTION log.number_claims(
    parsed log.parsed[], unit_logs text[], any_at_all boolean,
    claim_entries integer[], claims text[], release_units integer[], releases text[],
    OUT units integer[], OUT entries integer[], OUT requests boolean[], OUT of_claim integer[],
    OUT of_release integer[],
    OUT logs text[], OUT names text[], OUT positions bigint[], OUT unit_positions bigint[],
    OUT unit_sizes integer[], OUT roles text[], OUT owners text[], OUT kept boolean[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    numbers integer[];
BEGIN
    IF NOT any_at_all THEN
        RETURN;
    END IF;
    SELECT array_agg(c.unit ORDER BY c.n), array_agg(c.entry ORDER BY c.n), array_agg(c.request ORDER BY c.n),
        array_agg(c.log ORDER BY c.n), array_agg(c.claim ORDER BY c.n)
    INTO units, entries, requests, logs, names FROM (
        SELECT s.*, row_number() OVER (ORDER BY s.entry, s.request DESC) AS n FROM (
            SELECT p.unit, p.log, p.ordinality::integer AS entry, true AS request, r.claim
            FROM unnest(parsed) WITH ORDINALITY AS p, unnest(string_to_array(p.claims, ' ')) AS r (claim)
            UNION ALL
            SELECT (parsed[c.entry]).unit, (parsed[c.entry]).log, c.entry, false, c.claim
            FROM unnest(claim_entries, claims) AS c (entry, claim)
        ) AS s
    ) AS c;
    SELECT n.numbers, n.distinct_scopes, n.distinct_names INTO numbers, logs, names FROM log.number(
        coalesce(logs, '{}') || ARRAY(SELECT unit_logs[r.unit] FROM unnest(release_units) WITH ORDINALITY AS r (unit, n)
                                      ORDER BY r.n),
        coalesce(names, '{}') || releases) AS n;
    of_claim := numbers[:cardinality(numbers) - cardinality(releases)];
    of_release := numbers[cardinality(numbers) - cardinality(releases) + 1:];
    SELECT array_agg(c.position ORDER BY u.n), array_agg(c.unit_position ORDER BY u.n),
        array_agg(c.unit_size ORDER BY u.n), array_agg(c.role ORDER BY u.n), array_agg(c.owner ORDER BY u.n),
        array_agg(c.request ORDER BY u.n)
    INTO positions, unit_positions, unit_sizes, roles, owners, kept
    FROM unnest(logs, names) WITH ORDINALITY AS u (log, claim, n)
    LEFT JOIN LATERAL (
        SELECT c.* FROM log.claims AS c
        WHERE c.log = u.log AND c.kind = split_part(u.claim, ':', 1) AND c.digest = split_part(u.claim, ':', 2)
        OFFSET 0
    ) AS c ON true;
END
$$;

-- Which entries stand in their own way, NULL where none does: `id` (used before), `answers` (the input is answered),
-- `blob` (it names one that is not there, or its unit brings one that does not fit). A query for each log: a partition
-- is then opened only where it is used.
CREATE FUNCTION log.find_problems(
    parsed log.parsed[], blob_units integer[], blob_addresses text[], blob_owners text[], blob_bodies bytea[]
) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    problems text[];
    each record;
    wrong integer;
BEGIN
    FOR each IN
        SELECT p.log, array_agg(p.id) AS ids, array_agg(p.ordinality::integer) AS places,
            count(DISTINCT p.id) < count(p.id) AS repeated, bool_or(p.answers_stream IS NOT NULL) AS answering,
            bool_or(p.blobs IS NOT NULL) AS naming
        FROM unnest(parsed) WITH ORDINALITY AS p WHERE p.refusal IS NULL GROUP BY p.log
    LOOP
        FOR wrong IN
            SELECT u.n FROM unnest(each.ids, each.places) AS u (id, n)
            CROSS JOIN LATERAL (
                SELECT FROM log.entries AS e WHERE e.log = each.log AND e.id = u.id LIMIT 1
            ) AS taken
            UNION ALL
            SELECT r.n FROM (
                SELECT u.n, row_number() OVER (PARTITION BY u.id ORDER BY u.n) AS time
                FROM unnest(each.ids, each.places) AS u (id, n) WHERE each.repeated
            ) AS r WHERE r.time > 1
        LOOP
            problems[wrong] := 'id';
        END LOOP;
        IF each.answering THEN
            FOR wrong IN SELECT log.find_answered(parsed, each.log, each.places) LOOP
                -- Their ids follow from their places: that these are used, too, says no more.
                problems[wrong] := 'answers';
            END LOOP;
        END IF;
        IF each.naming THEN
            FOR wrong IN SELECT log.find_unnamed(parsed, each.places, blob_units, blob_addresses) LOOP
                problems[wrong] := coalesce(problems[wrong], 'blob');
            END LOOP;
        END IF;
    END LOOP;
    IF blob_addresses <> '{}' THEN
        FOR wrong IN SELECT log.find_unfit(parsed, blob_units, blob_addresses, blob_owners, blob_bodies) LOOP
            problems[wrong] := coalesce(problems[wrong], 'blob');
        END LOOP;
    END IF;
    RETURN problems;
END
$$;

-- Entries whose place among the answers to an input is taken, in the log or by an earlier one of the call.
CREATE FUNCTION log.find_answered(parsed log.parsed[], its_log text, places integer[]) RETURNS SETOF integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
        SELECT a.n FROM (
            SELECT u.n, (parsed[u.n]).answers_stream AS stream, (parsed[u.n]).answers_version AS version,
                (parsed[u.n]).answers_ordinal AS ordinal,
                row_number() OVER (PARTITION BY (parsed[u.n]).answers_stream, (parsed[u.n]).answers_version,
                    (parsed[u.n]).answers_ordinal ORDER BY u.n) AS time
            FROM unnest(places) AS u (n)
        ) AS a
        LEFT JOIN LATERAL (
            SELECT true AS taken FROM log.entries AS e WHERE e.log = its_log AND e.answers_stream = a.stream
                AND e.answers_version = a.version AND e.answers_ordinal = a.ordinal LIMIT 1
        ) AS e ON true
        WHERE a.stream IS NOT NULL AND (a.time > 1 OR e.taken);
END
$$;

-- The first entries of units that bring a blob which is too large, is not what its address says, or is not named by
-- an entry of the unit under its owner's key: it would outlive an erasure, or serve nobody.
CREATE FUNCTION log.find_unfit(
    parsed log.parsed[], blob_units integer[], blob_addresses text[], blob_owners text[], blob_bodies bytea[]
) RETURNS SETOF integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
        SELECT (SELECT min(p.ordinality)::integer FROM unnest(parsed) WITH ORDINALITY AS p WHERE p.unit = b.unit)
        FROM unnest(blob_units, blob_addresses, blob_owners, blob_bodies) AS b (unit, address, owner, body)
        WHERE (octet_length(b.body) <= 16777216 AND encode(sha256(b.body), 'hex') = b.address
            AND (b.unit, b.address, coalesce(b.owner, '')) IN (
                SELECT p.unit, named.address, owners.owner
                FROM unnest(parsed) AS p, unnest(string_to_array(p.blobs, ' ')) AS named (address),
                    unnest(ARRAY['', split_part(p.keyid, '/', 1)]) AS owners (owner)
                WHERE p.blobs IS NOT NULL AND owners.owner IS NOT NULL)) IS NOT TRUE;
END
$$;

-- Entries that name a blob which is neither there (public or of the same owner) nor brought by their unit.
CREATE FUNCTION log.find_unnamed(
    parsed log.parsed[], places integer[], blob_units integer[], blob_addresses text[]
) RETURNS SETOF integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
        SELECT u.n FROM unnest(places) AS u (n) WHERE EXISTS (
            SELECT FROM unnest(string_to_array((parsed[u.n]).blobs, ' ')) AS named (address)
            WHERE NOT EXISTS (SELECT FROM log.blobs AS s
                              WHERE s.clinic = (parsed[u.n]).clinic AND s.address = named.address
                                  AND (s.owner IS NULL OR s.owner = split_part((parsed[u.n]).keyid, '/', 1)))
                AND NOT EXISTS (SELECT FROM unnest(blob_units, blob_addresses) AS brought (unit, address)
                                WHERE brought.unit = (parsed[u.n]).unit AND brought.address = named.address));
END
$$;
