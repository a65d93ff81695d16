-- Which protocol versions a patient's programmes are on, by content hash, and whether the patient was told that
-- a version was recalled. A fold over the log, kept and filled with the table of deadlines; ids and hashes only.
CREATE TABLE engine.versions (
    log text COLLATE "C",
    patient text COLLATE "C",
    protocol text COLLATE "C",
    told boolean NOT NULL,
    PRIMARY KEY (log, patient, protocol)
);
CREATE INDEX versions_untold ON engine.versions (protocol, log) WHERE NOT told;

ALTER TABLE engine.versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.versions FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON engine.versions TO heelrise_engine
    USING (log = ANY ((SELECT log.logs())::text[])) WITH CHECK (log = ANY ((SELECT log.logs())::text[]));
CREATE POLICY recalls ON engine.versions FOR SELECT TO heelrise_owner USING (true);

-- Which logs have somebody on one of these versions who was not told yet: no patient is named. Who is in
-- quarantine is told once out of it.
CREATE FUNCTION engine.logs_to_tell(protocols text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT v.log FROM engine.versions AS v
    WHERE NOT v.told AND v.protocol = ANY (protocols) AND NOT EXISTS (
        SELECT FROM consume.quarantine AS q
        WHERE q.log = v.log AND q.consumer = 'engine' AND q.stream = 'patient-' || v.patient)
$$;

REVOKE EXECUTE ON FUNCTION engine.logs_to_tell FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON engine.versions TO heelrise_engine;
GRANT EXECUTE ON FUNCTION engine.logs_to_tell TO heelrise_engine;

-- What is missing from this table is filled with what is missing from that one.
TRUNCATE engine.deadlines;
