-- Appending, the only way into a log. See docs/log-format.md for the outcomes and their precedence.

CREATE FUNCTION log.erase_person(person_clinic text, person text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log.keys (clinic, keyid, owner, secret, destroyed_at)
        VALUES (person_clinic, person || '/1', person, NULL, clock_timestamp()) ON CONFLICT DO NOTHING;
    UPDATE log.keys AS k SET secret = NULL, destroyed_at = clock_timestamp()
        WHERE k.clinic = person_clinic AND k.owner = person AND k.secret IS NOT NULL;
    DELETE FROM log.claims AS c USING log.heads AS h
        WHERE h.clinic = person_clinic AND c.log = h.log AND c.owner = person;
    DELETE FROM log.blobs AS b WHERE b.clinic = person_clinic AND b.owner = person;
END
$$;

-- The `request` of a unit's first entry. A function, so that its plan is only opened where there is a duplicate.
CREATE FUNCTION log.request_at(wanted_log text, wanted_position bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT convert_from(e.entry, 'UTF8')::jsonb ->> 'request' FROM log.entries AS e
            WHERE e.log = wanted_log AND e.position = wanted_position);
END
$$;

CREATE FUNCTION log.append(
    unit_logs text[], unit_sizes integer[], entries bytea[], traces text[],
    expected_units integer[], expected_streams text[], expected_versions bigint[],
    claim_entries integer[], claims text[],
    release_units integer[], releases text[],
    key_units integer[], keyids text[], secrets bytea[],
    blob_units integer[], blob_addresses text[], blob_owners text[], blob_bodies bytea[]
) RETURNS TABLE (
    unit integer, outcome text, reason text, "position" bigint, size integer, versions bigint[],
    stream text, version bigint, held text, request text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    caller text := session_user;
    entry_units integer[] := '{}'; unit_clinics text[]; unit_kinds text[]; unit_refusals text[]; unit_ends boolean[]; unit_bytes bigint[];
    parsed log.parsed[];
    heads record; sizes bigint[];
    streams record; versions_now bigint[]; erased_now boolean[];
    keys record; key_states integer[];
    held_claims record; claim_positions bigint[]; claim_unit_positions bigint[]; claim_unit_sizes integer[];
    claim_roles text[]; claim_owners text[]; claim_kept boolean[]; claim_new integer[]; claim_touched integer[]; claim_released integer[];
    problems text[];
    entry_positions bigint[]; entry_versions bigint[];
    outcomes text[]; reasons text[]; out_positions bigint[]; out_sizes integer[]; out_streams text[];
    out_versions bigint[]; out_held text[]; behind integer[];
    ending_clinics text[]; erased_clinics text[] := '{}'; erased_persons text[] := '{}';
    u integer; i integer := 0; n integer; h integer; first integer := 1; last integer; s integer;
    x integer := 1; c integer := 1; c_first integer; r integer := 1; r_first integer; k integer := 1; k_first integer;
    its_outcome text; its_reason text; its_held text; holder integer; whole boolean;
    claiming boolean := false; refusing boolean := false; ending boolean; plain boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED: an older snapshot would miss an erasure' USING ERRCODE = 'HR002';
    END IF;
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    n := cardinality(unit_logs);
    FOR u IN 1 .. n LOOP
        IF u > 1 AND unit_logs[u] = unit_logs[u - 1] THEN
            unit_clinics[u] := unit_clinics[u - 1]; unit_kinds[u] := unit_kinds[u - 1];
        ELSE
            unit_clinics[u] := regexp_replace(unit_logs[u], '-[a-z]-[0-9]+$', '');
            unit_kinds[u] := substring(unit_logs[u] FROM '-([a-z])-[0-9]+$');
        END IF;
        FOR s IN 1 .. least(unit_sizes[u], cardinality(entries)) LOOP i := i + 1; entry_units[i] := u; END LOOP;
    END LOOP;
    IF cardinality(entry_units) <> cardinality(entries) OR cardinality(unit_sizes) <> n OR 0 = ANY (unit_sizes) THEN
        RAISE EXCEPTION 'the sizes of the units do not add up to the entries' USING ERRCODE = 'HR003';
    END IF;
    IF (cardinality(expected_streams) = cardinality(expected_units)
        AND cardinality(expected_versions) = cardinality(expected_units)
        AND cardinality(claims) = cardinality(claim_entries) AND cardinality(releases) = cardinality(release_units)
        AND cardinality(keyids) = cardinality(key_units) AND cardinality(secrets) = cardinality(key_units)
        AND cardinality(blob_addresses) = cardinality(blob_units) AND cardinality(blob_owners) = cardinality(blob_units)
        AND cardinality(blob_bodies) = cardinality(blob_units)
        AND (expected_units = '{}' OR log.ascend(expected_units, n))
        AND (claim_entries = '{}' OR log.ascend(claim_entries, cardinality(entries)))
        AND (release_units = '{}' OR log.ascend(release_units, n))
        AND (key_units = '{}' OR log.ascend(key_units, n)) AND (blob_units = '{}' OR log.ascend(blob_units, n))
        ) IS NOT TRUE THEN
        RAISE EXCEPTION 'what belongs to the units does not stand in their order' USING ERRCODE = 'HR003';
    END IF;
    parsed := log.parse(entries, entry_units, unit_logs, unit_kinds, unit_clinics);
    unit_refusals := array_fill(NULL::text, ARRAY[n]); unit_ends := array_fill(false, ARRAY[n]);
    unit_bytes := array_fill(0::bigint, ARRAY[n]);
    FOR i IN 1 .. cardinality(entries) LOOP
        u := entry_units[i];
        unit_bytes[u] := unit_bytes[u] + (parsed[i]).bytes;
        IF (parsed[i]).refusal IS NOT NULL AND unit_refusals[u] IS NULL THEN
            unit_refusals[u] := (parsed[i]).refusal; refusing := true;
        END IF;
        IF (parsed[i]).ends_person THEN unit_ends[u] := true; END IF;
        IF (parsed[i]).claims IS NOT NULL THEN claiming := true; END IF;
    END LOOP;

    ending := true = ANY (unit_ends);
    IF ending THEN
        ending_clinics := ARRAY(SELECT e.clinic FROM unnest(unit_clinics, unit_ends) AS e (clinic, ends) WHERE e.ends);
    END IF;
    heads := log.take_heads(unit_logs, ending_clinics);
    -- From here on the heads are held: what these statements see cannot change before the commit.
    streams := log.number_streams(parsed, unit_logs, expected_units, expected_streams);
    keys := log.number_keys(parsed, unit_clinics, key_units, keyids);
    claiming := claiming OR claims <> '{}' OR releases <> '{}';
    held_claims := log.number_claims(
        parsed, unit_logs, claiming, claim_entries, claims, release_units, releases);
    problems := log.find_problems(parsed, blob_units, blob_addresses, blob_owners, blob_bodies);
    sizes := heads.sizes; versions_now := streams.versions; erased_now := streams.erased; key_states := keys.states;
    claim_positions := held_claims.positions; claim_unit_positions := held_claims.unit_positions;
    claim_unit_sizes := held_claims.unit_sizes; claim_roles := held_claims.roles;
    claim_owners := held_claims.owners; claim_kept := held_claims.kept;
    n := coalesce(cardinality(claim_positions), 0);
    claim_new := array_fill(0, ARRAY[n]); claim_touched := array_fill(0, ARRAY[n]);
    claim_released := array_fill(0, ARRAY[n]);
    entry_positions := array_fill(NULL::bigint, ARRAY[cardinality(entries)]); entry_versions := entry_positions;
    n := cardinality(unit_logs);
    outcomes := array_fill(NULL::text, ARRAY[n]); reasons := outcomes; out_streams := outcomes; out_held := outcomes;
    out_positions := array_fill(NULL::bigint, ARRAY[n]); out_versions := out_positions;
    out_sizes := array_fill(NULL::integer, ARRAY[n]); behind := out_sizes;
    -- The usual call: nothing in it can stand in any unit's way, so no unit needs to be judged.
    plain := (NOT ending AND NOT refusing AND problems IS NULL AND heads.whole AND heads.closed IS NULL
        AND expected_units = '{}' AND key_units = '{}' AND release_units = '{}'
        AND 1000 >= ALL (unit_sizes) AND 4194304 >= ALL (unit_bytes) AND 1 = ALL (key_states) AND false = ALL (erased_now)
        AND (NOT claiming OR (cardinality(held_claims.names) = cardinality(held_claims.units)
            AND array_remove(claim_positions, NULL) = '{}'))) IS TRUE;

    FOR u IN 1 .. n LOOP
        last := first + unit_sizes[u] - 1;
        its_outcome := NULL; its_reason := NULL; its_held := '';
        h := array_position(heads.logs, unit_logs[u]);
        c_first := c; r_first := r; k_first := k;
        WHILE held_claims.units[c] = u LOOP c := c + 1; END LOOP;
        WHILE release_units[r] = u LOOP r := r + 1; END LOOP;
        WHILE key_units[k] = u LOOP k := k + 1; END LOOP;

        IF NOT plain THEN
            -- refused: rights and bytes
            IF unit_refusals[u] IS NOT NULL THEN its_reason := unit_refusals[u];
            ELSIF unit_sizes[u] > 1000 OR unit_bytes[u] > 4194304 THEN its_reason := 'size';
            ELSIF array_position(heads.known, unit_logs[u]) IS NULL THEN its_reason := 'log';
            ELSIF k > k_first AND caller <> 'heelrise_ingest' THEN its_reason := 'role';
            END IF;
            IF its_reason IS NOT NULL THEN its_outcome := 'refused';
            ELSIF array_position(heads.closed, unit_logs[u]) IS NOT NULL THEN its_outcome := 'closed';
            ELSIF h IS NULL OR (unit_ends[u] AND EXISTS (
                SELECT FROM log.heads AS o WHERE o.clinic = unit_clinics[u] AND o.log <> ALL (heads.logs))) THEN
                its_outcome := 'busy';
            END IF;

            -- duplicate: the request claim is held, or all claims by one unit
            IF its_outcome IS NULL AND c > c_first THEN
                holder := NULL; whole := true;
                FOR i IN c_first .. c - 1 LOOP
                    s := held_claims.of_claim[i];
                    IF held_claims.requests[i] THEN
                        whole := false;
                        IF claim_positions[s] IS NOT NULL THEN holder := s; EXIT; END IF;
                    ELSIF claim_positions[s] IS NULL
                        OR claim_unit_positions[s] <> claim_unit_positions[held_claims.of_claim[c_first]] THEN
                        whole := false;
                    END IF;
                END LOOP;
                IF whole THEN holder := held_claims.of_claim[c_first]; END IF;
                IF holder IS NOT NULL THEN
                    its_outcome := 'duplicate';
                    out_positions[u] := claim_unit_positions[holder]; out_sizes[u] := claim_unit_sizes[holder];
                END IF;
            END IF;

            -- erased: a key is destroyed, or the person of the stream
            IF its_outcome IS NULL THEN
                FOR i IN first .. last LOOP
                    IF key_states[keys.of_entry[i]] = 2
                        OR (erased_now[streams.of_entry[i]] AND NOT (parsed[i]).after_erasure) THEN
                        its_outcome := 'erased';
                        EXIT;
                    END IF;
                END LOOP;
                FOR i IN k_first .. k - 1 LOOP
                    IF key_states[keys.of_new[i]] = 2 THEN its_outcome := 'erased'; END IF;
                END LOOP;
            END IF;

            -- conflict: an expected version that is not
            WHILE expected_units[x] = u LOOP
                s := streams.of_expected[x];
                IF its_outcome IS NULL AND versions_now[s] <> expected_versions[x] THEN
                    its_outcome := 'conflict'; out_streams[u] := streams.names[s]; out_versions[u] := versions_now[s];
                END IF;
                x := x + 1;
            END LOOP;
            IF its_outcome IS NULL AND problems IS NOT NULL THEN
                FOR i IN first .. last LOOP
                    IF problems[i] = 'answers' THEN
                        s := streams.of_entry[i];
                        its_outcome := 'conflict'; out_streams[u] := streams.names[s]; out_versions[u] := versions_now[s];
                        EXIT;
                    END IF;
                END LOOP;
            END IF;

            -- refused: what it names is held, or is not there
            IF its_outcome IS NULL THEN
                FOR i IN r_first .. r - 1 LOOP
                    s := held_claims.of_release[i];
                    IF claim_positions[s] IS NULL OR claim_roles[s] <> caller OR claim_kept[s] OR claim_released[s] = u THEN
                        its_reason := 'release';
                    END IF;
                    claim_released[s] := u;
                END LOOP;
                FOR i IN c_first .. c - 1 LOOP
                    s := held_claims.of_claim[i];
                    IF claim_touched[s] = u THEN its_reason := 'claims';
                    ELSIF claim_positions[s] IS NOT NULL AND claim_released[s] <> u THEN
                        its_reason := coalesce(its_reason, 'claim');
                        its_held := its_held || ' ' || held_claims.names[s] || '@' || claim_positions[s];
                    END IF;
                    claim_touched[s] := u;
                END LOOP;
                FOR i IN k_first .. k - 1 LOOP
                    IF key_states[keys.of_new[i]] <> 0 THEN its_reason := coalesce(its_reason, 'key'); END IF;
                END LOOP;
                FOR i IN first .. last LOOP
                    IF problems[i] IS NOT NULL THEN its_reason := coalesce(its_reason, problems[i]);
                    ELSIF (parsed[i]).keyid IS NOT NULL AND key_states[keys.of_entry[i]] = 0
                        AND keys.of_entry[i] <> ALL (keys.of_new[k_first:k - 1]) THEN
                        its_reason := coalesce(its_reason, 'key');
                    END IF;
                END LOOP;
                IF its_reason IS NOT NULL THEN its_outcome := 'refused'; out_held[u] := nullif(ltrim(its_held), ''); END IF;
            END IF;
        END IF;

        IF its_outcome IS NULL THEN
            its_outcome := 'appended'; out_positions[u] := sizes[h]; out_sizes[u] := unit_sizes[u];
            FOR i IN first .. last LOOP
                s := streams.of_entry[i];
                versions_now[s] := versions_now[s] + 1;
                entry_versions[i] := versions_now[s]; entry_positions[i] := sizes[h];
                sizes[h] := sizes[h] + 1;
            END LOOP;
            FOR i IN r_first .. r - 1 LOOP
                s := held_claims.of_release[i]; claim_positions[s] := NULL; claim_new[s] := -1;
            END LOOP;
            FOR i IN c_first .. c - 1 LOOP
                s := held_claims.of_claim[i];
                claim_positions[s] := entry_positions[held_claims.entries[i]]; claim_roles[s] := caller;
                claim_unit_positions[s] := out_positions[u]; claim_unit_sizes[s] := unit_sizes[u];
                claim_new[s] := i; claim_kept[s] := held_claims.requests[i];
                IF ending AND NOT held_claims.requests[i] THEN
                    claim_owners[s] := split_part((parsed[held_claims.entries[i]]).keyid, '/', 1);
                END IF;
            END LOOP;
            FOR i IN k_first .. k - 1 LOOP key_states[keys.of_new[i]] := 1; END LOOP;
            IF unit_ends[u] THEN
                FOR i IN first .. last LOOP
                    CONTINUE WHEN NOT (parsed[i]).ends_person;
                    erased_clinics := erased_clinics || unit_clinics[u];
                    erased_persons := erased_persons || (parsed[i]).stream;
                    FOR s IN 1 .. cardinality(erased_now) LOOP
                        IF streams.persons[s] = (parsed[i]).stream
                            AND regexp_replace(streams.logs[s], '-[a-z]-[0-9]+$', '') = unit_clinics[u] THEN
                            erased_now[s] := true;
                        END IF;
                    END LOOP;
                    FOR s IN 1 .. cardinality(key_states) LOOP
                        IF keys.clinics[s] = unit_clinics[u]
                            AND split_part(keys.keyids[s], '/', 1) = (parsed[i]).stream THEN
                            key_states[s] := 2;
                        END IF;
                    END LOOP;
                    FOR s IN 1 .. coalesce(cardinality(claim_positions), 0) LOOP
                        IF claim_owners[s] = (parsed[i]).stream
                            AND regexp_replace(held_claims.logs[s], '-[a-z]-[0-9]+$', '') = unit_clinics[u] THEN
                            claim_positions[s] := NULL; claim_owners[s] := NULL; claim_new[s] := -1;
                        END IF;
                    END LOOP;
                END LOOP;
            END IF;
        END IF;
        outcomes[u] := its_outcome; reasons[u] := its_reason;
        behind[u] := first - 1;
        first := last + 1;
    END LOOP;

    PERFORM log.write_entries(parsed, entries, traces, entry_positions, entry_versions);
    UPDATE log.heads AS w SET size = g.size FROM unnest(heads.logs, sizes) AS g (log, size)
        WHERE w.log = g.log AND w.size <> g.size;
    IF 0 < ANY (streams.versions) THEN
        UPDATE log.streams AS w SET version = g.version
            FROM unnest(streams.logs, streams.names, streams.versions, versions_now) AS g (log, name, before, version)
            WHERE g.before > 0 AND g.version <> g.before AND w.log = g.log AND w.stream = g.name;
    END IF;
    IF 0 = ANY (streams.versions) THEN
        INSERT INTO log.streams (log, stream, version)
            SELECT g.log, g.name, g.version
            FROM unnest(streams.logs, streams.names, streams.versions, versions_now) AS g (log, name, before, version)
            WHERE g.before = 0 AND g.version > 0;
    END IF;
    IF claim_new <> '{}' THEN
        -- Only a claim that was given up has a row in the way.
        IF ending OR release_units <> '{}' THEN
            DELETE FROM log.claims AS w USING unnest(held_claims.logs, held_claims.names, claim_new) AS g (log, name, new)
                WHERE g.new <> 0 AND w.log = g.log AND w.kind = split_part(g.name, ':', 1)
                    AND w.digest = split_part(g.name, ':', 2);
        END IF;
        INSERT INTO log.claims (log, kind, digest, position, unit_position, unit_size, role, owner, request)
            SELECT g.log, split_part(g.name, ':', 1), split_part(g.name, ':', 2), g.position, g.unit_position,
                g.unit_size, caller,
                CASE WHEN NOT held_claims.requests[g.new]
                    THEN split_part((parsed[held_claims.entries[g.new]]).keyid, '/', 1) END,
                held_claims.requests[g.new]
            FROM unnest(held_claims.logs, held_claims.names, claim_new, claim_positions, claim_unit_positions,
                claim_unit_sizes) AS g (log, name, new, position, unit_position, unit_size)
            WHERE g.new > 0;
    END IF;
    IF keyids <> '{}' THEN
        INSERT INTO log.keys (clinic, keyid, owner, secret)
            SELECT unit_clinics[g.unit], g.keyid, split_part(g.keyid, '/', 1), g.secret
            FROM unnest(key_units, keyids, secrets) AS g (unit, keyid, secret) WHERE outcomes[g.unit] = 'appended';
    END IF;
    IF blob_addresses <> '{}' THEN
        INSERT INTO log.blobs (clinic, address, owner, body)
            SELECT unit_clinics[g.unit], g.address, g.owner, g.body
            FROM unnest(blob_units, blob_addresses, blob_owners, blob_bodies) AS g (unit, address, owner, body)
            WHERE outcomes[g.unit] = 'appended' ON CONFLICT DO NOTHING;
    END IF;
    FOR i IN 1 .. cardinality(erased_persons) LOOP
        PERFORM log.erase_person(erased_clinics[i], erased_persons[i]);
    END LOOP;

    RETURN QUERY
        SELECT g.u, outcomes[g.u], reasons[g.u], out_positions[g.u], out_sizes[g.u],
            CASE WHEN outcomes[g.u] = 'appended' THEN entry_versions[behind[g.u] + 1 : behind[g.u] + out_sizes[g.u]] END,
            out_streams[g.u], out_versions[g.u], out_held[g.u],
            CASE WHEN outcomes[g.u] = 'duplicate' THEN log.request_at(unit_logs[g.u], out_positions[g.u]) END
        FROM generate_series(1, cardinality(unit_logs)) AS g (u);
END
$$;

-- A clinic: its entry in the registry, and with it the heads of its logs and its keys.
CREATE FUNCTION log.create_clinic(
    new_clinic text, new_id uuid, new_zone text, new_name text, new_keyids text[], new_secrets bytea[],
    entry bytea, claims text[]
) RETURNS TABLE (
    unit integer, outcome text, reason text, "position" bigint, size integer, versions bigint[],
    stream text, version bigint, held text, request text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told jsonb;
BEGIN
    SELECT * INTO STRICT unit, outcome, reason, position, size, versions, stream, version, held, request FROM log.append(
        ARRAY['deployment-r-1'], ARRAY[1], ARRAY[entry], ARRAY[NULL::text], '{}', '{}', '{}',
        array_fill(1, ARRAY[cardinality(claims)]), claims, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
    IF outcome = 'appended' THEN
        told := convert_from(entry, 'UTF8')::jsonb;
        IF told ->> 'type' NOT LIKE 'heelrise.clinic\_created.v%' OR told ->> 'subject' <> 'clinic-' || new_id
            OR told -> 'data' ->> 'clinic' IS DISTINCT FROM new_clinic THEN
            RAISE EXCEPTION 'the entry does not create this clinic' USING ERRCODE = 'HR003';
        END IF;
        INSERT INTO log.clinics (clinic, id, zone, name) VALUES (new_clinic, new_id, new_zone, new_name);
        INSERT INTO log.heads (log, clinic, kind)
            VALUES (new_clinic || '-c-1', new_clinic, 'c'), (new_clinic || '-a-1', new_clinic, 'a');
        INSERT INTO log.keys (clinic, keyid, owner, secret)
            SELECT new_clinic, k.keyid, split_part(k.keyid, '/', 1), k.secret
            FROM unnest(new_keyids, new_secrets) AS k (keyid, secret);
    END IF;
    RETURN NEXT;
END
$$;

GRANT EXECUTE ON FUNCTION log.append TO heelrise_ingest, heelrise_engine, heelrise_notification,
    heelrise_reporting, heelrise_keeper;
GRANT EXECUTE ON FUNCTION log.create_clinic TO heelrise_ingest;
