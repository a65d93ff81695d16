-- When something follows for a patient without anybody telling anything. A fold over the log: it can be
-- dropped and is filled again: as patients are answered, and by folding when the engine starts. Ids and
-- instants only.
CREATE SCHEMA engine;

CREATE TABLE engine.deadlines (
    log text COLLATE "C",
    patient text COLLATE "C",
    due timestamptz,
    -- While an import of the patient is open, an hour at most.
    held_until timestamptz,
    -- Version of the newest answered input: where one follows it, this deadline does not stand.
    answered bigint NOT NULL,
    fires_at timestamptz GENERATED ALWAYS AS
        (CASE WHEN due IS NOT NULL THEN greatest(due, held_until) END) STORED,
    PRIMARY KEY (log, patient)
) WITH (fillfactor = 70);
CREATE INDEX deadlines_by_time ON engine.deadlines (fires_at, log);

ALTER TABLE engine.deadlines ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.deadlines FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON engine.deadlines TO heelrise_engine
    USING (log = ANY ((SELECT log.logs())::text[])) WITH CHECK (log = ANY ((SELECT log.logs())::text[]));
CREATE POLICY timers ON engine.deadlines FOR SELECT TO heelrise_owner USING (true);

-- Which logs have a deadline that is past, and when the next one of all will be: no patient is named. For who
-- is in quarantine no time passes.
CREATE FUNCTION engine.due_logs(until timestamptz) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT d.log FROM engine.deadlines AS d WHERE d.fires_at <= until AND NOT EXISTS (
        SELECT FROM consume.quarantine AS q
        WHERE q.log = d.log AND q.consumer = 'engine' AND q.stream = 'patient-' || d.patient)
$$;
CREATE FUNCTION engine.next_due() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.fires_at FROM engine.deadlines AS d WHERE d.fires_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM consume.quarantine AS q
        WHERE q.log = d.log AND q.consumer = 'engine' AND q.stream = 'patient-' || d.patient)
    ORDER BY d.fires_at LIMIT 1
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA engine FROM PUBLIC;
GRANT USAGE ON SCHEMA engine TO heelrise_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON engine.deadlines TO heelrise_engine;
GRANT EXECUTE ON FUNCTION engine.due_logs, engine.next_due TO heelrise_engine;
