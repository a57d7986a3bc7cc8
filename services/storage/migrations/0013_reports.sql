-- Reports of months and years that are over: frozen, with a hash and a version, and mailed once (docs/reports.md).

-- `content` is canonical JSON and is what is hashed: the time of making is not in it. `subject` is a point, or empty where the
-- report is of the municipality. What has been made is never changed: the next version is made, and this one names it.
CREATE TABLE report (
    municipality text NOT NULL REFERENCES municipality,
    kind text NOT NULL CHECK (kind IN ('municipality_monthly', 'municipality_yearly', 'point_monthly', 'point_yearly')),
    subject text NOT NULL,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}(-[0-9]{2})?$'),
    version integer NOT NULL CHECK (version > 0),
    hash text NOT NULL CHECK (hash = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
    content text NOT NULL,
    made_at timestamptz NOT NULL,
    revised_by integer CHECK (revised_by > version),
    PRIMARY KEY (municipality, kind, subject, period, version)
);
CREATE INDEX ON report (municipality, period);

-- When it was last looked whether the reports of a period still say what is known.
CREATE TABLE report_period (
    municipality text NOT NULL REFERENCES municipality,
    period text NOT NULL,
    first date NOT NULL,
    ends date NOT NULL CHECK (ends > first),
    checked_at timestamptz,
    PRIMARY KEY (municipality, period)
);

-- Reports to be mailed. Whoever sends one moves `due_at` on first, so that nobody else does at the same time, and somebody
-- does if that process dies. To whom stands in the settings.
CREATE TABLE report_mail (
    municipality text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    version integer NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    PRIMARY KEY (municipality, kind, subject, period, version),
    FOREIGN KEY (municipality, kind, subject, period, version) REFERENCES report
);
CREATE INDEX ON report_mail (municipality, due_at) WHERE sent_at IS NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['report', 'report_period', 'report_mail']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$
            CREATE POLICY in_lane ON %I TO bypunkt_worker
            USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
            WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
        $policy$, name);
        EXECUTE format($policy$
            CREATE POLICY of_tenant ON %I FOR SELECT TO bypunkt_web
            USING (municipality = ANY ((SELECT scope_municipalities())::text[]))
        $policy$, name);
        EXECUTE format('GRANT SELECT ON %I TO bypunkt_worker, bypunkt_web', name);
    END LOOP;
END $$;
GRANT INSERT, UPDATE (revised_by) ON report TO bypunkt_worker;
GRANT INSERT, UPDATE (checked_at) ON report_period TO bypunkt_worker;
GRANT INSERT, UPDATE (due_at, tries, sent_at) ON report_mail TO bypunkt_worker;
