-- Read models: rebuildable from the log at any time, per log, with the same content. Nobody is named in them;
-- names and identifiers are opened from the log when they are read.

CREATE SCHEMA reporting;

CREATE TABLE reporting.patients (
    log text COLLATE "C",
    patient text COLLATE "C",
    identity_position bigint,
    inputs bigint NOT NULL,
    judged bigint NOT NULL,
    answered bigint NOT NULL,
    last_input_at timestamptz NOT NULL,
    waiting_since timestamptz,
    red_flags text[] NOT NULL,
    PRIMARY KEY (log, patient)
) WITH (fillfactor = 70);
CREATE INDEX patients_with_red_flags ON reporting.patients (log, patient) WHERE red_flags <> '{}';
COMMENT ON COLUMN reporting.patients.last_input_at IS 'when the newest thing happened that somebody told or ruled';
COMMENT ON COLUMN reporting.patients.waiting_since IS 'when the oldest unanswered input was recorded';

CREATE TABLE reporting.panel (
    log text COLLATE "C",
    patient text COLLATE "C",
    programme text COLLATE "C",
    side text NOT NULL,
    episode integer NOT NULL,
    presentation text NOT NULL,
    protocol text NOT NULL,
    stage smallint NOT NULL,
    stage_since timestamptz NOT NULL,
    loading smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'awaiting', 'suspended', 'held', 'proposed')),
    weeks integer NOT NULL,
    checkpoint text NOT NULL,
    proposed smallint,
    holds jsonb NOT NULL,
    red_flags text[] NOT NULL,
    marked text[] NOT NULL,
    PRIMARY KEY (log, patient, programme)
) WITH (fillfactor = 70);

CREATE TABLE reporting.stage_timeline (
    log text COLLATE "C",
    position bigint,
    patient text COLLATE "C" NOT NULL,
    programme text COLLATE "C",
    id uuid NOT NULL,
    type text NOT NULL,
    from_stage smallint,
    to_stage smallint,
    effective_at timestamptz NOT NULL,
    PRIMARY KEY (log, position)
);
CREATE INDEX stage_timeline_by_time ON reporting.stage_timeline (log, effective_at, position);
CREATE INDEX stage_timeline_by_patient ON reporting.stage_timeline (log, patient, position);

CREATE TABLE reporting.adverse_events (
    log text COLLATE "C",
    patient text COLLATE "C",
    version bigint,
    PRIMARY KEY (log, patient, version)
);
COMMENT ON TABLE reporting.adverse_events IS 'which inputs told one; what they told is read from the log';

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['patients', 'panel', 'stage_timeline', 'adverse_events'] LOOP
        EXECUTE format('ALTER TABLE reporting.%I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE reporting.%I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY own_logs ON reporting.%I TO heelrise_reporting
            USING (log = ANY ((SELECT log.logs())::text[]))
            WITH CHECK (log = ANY ((SELECT log.logs())::text[]))', place);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA reporting TO heelrise_reporting;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reporting TO heelrise_reporting;
