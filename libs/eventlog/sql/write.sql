-- Entries with their places, once the units are judged.
CREATE FUNCTION log.write_entries(
    parsed log.parsed[], entries bytea[], traces text[], positions bigint[], versions bigint[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log.entries (log, position, stream, version, id, answers_stream, answers_version, answers_ordinal,
        entry, trace)
    SELECT g.log, g.position, g.stream, g.version, g.id, g.answers_stream, g.answers_version, g.answers_ordinal,
        g.entry, g.trace
    FROM unnest(entries, traces, positions, versions, parsed) AS g (
        entry, trace, position, version, unit, log, clinic, stream, id, keyid, request, claims, blobs,
        answers_stream, answers_version, answers_ordinal, ends_person, after_erasure, bytes, refusal)
    WHERE g.position IS NOT NULL;
END
$$;
