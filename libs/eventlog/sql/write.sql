-- Entries with their places, once the units are judged. Subscripts instead of `unnest`, here and elsewhere: that
-- would copy every entry once more, into a tuple store.
CREATE FUNCTION log.write_entries(
    parsed log.parsed[], entries bytea[], traces text[], positions bigint[], versions bigint[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log.entries (log, position, stream, version, id, answers_stream, answers_version, answers_ordinal,
        entry, trace)
    SELECT (parsed[i]).log, positions[i], (parsed[i]).stream, versions[i], (parsed[i]).id, (parsed[i]).answers_stream,
        (parsed[i]).answers_version, (parsed[i]).answers_ordinal, entries[i], traces[i]
    FROM generate_series(1, cardinality(entries)) AS i WHERE positions[i] IS NOT NULL;
END
$$;
