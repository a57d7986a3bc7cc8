-- Service goals: what was promised, what became of it in each period, and what stands at a point (docs/goals.md).

-- What a point has offered, since when. What the first row says holds for all earlier time as well.
CREATE TABLE point_services (
    municipality text NOT NULL,
    point text NOT NULL,
    since timestamptz NOT NULL,
    services text[] NOT NULL,
    PRIMARY KEY (municipality, point, since),
    FOREIGN KEY (municipality, point) REFERENCES service_point
);

-- A goal for a point, or (none named) for all points of a municipality, of one kind if that is named. `target` is in the
-- metric's unit. `owner` is a role or an organisation in words. It holds for whole periods, both ends included.
CREATE TABLE goal (
    municipality text NOT NULL REFERENCES municipality,
    id text NOT NULL CHECK (id ~ '^[a-z0-9-]{3,64}$'),
    metric text NOT NULL,
    point text,
    point_kind text CHECK (point_kind IN ('fixed', 'mobile', 'digital')),
    comparator text NOT NULL CHECK (comparator IN ('at_least', 'at_most')),
    target numeric NOT NULL CHECK (target >= 0),
    period text NOT NULL CHECK (period IN ('week', 'month', 'quarter', 'year')),
    owner text NOT NULL,
    visibility text NOT NULL CHECK (visibility IN ('staff', 'public')),
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    synthetic boolean NOT NULL DEFAULT false,
    PRIMARY KEY (municipality, id),
    CHECK (point IS NULL OR point_kind IS NULL),
    FOREIGN KEY (municipality, point) REFERENCES service_point
);

-- What is said of a goal in a period. Values are exact: a part of a whole, in the metric's unit; none where too little is
-- known. `counted_to` is the last day in it. Of a period that is not over the row is written over; of one that is, the
-- earlier versions are kept. `parts` by point: value and coverage, as fractions in words.
CREATE TABLE goal_result (
    municipality text NOT NULL,
    goal text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    counted_to date,
    is_over boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('not_met', 'at_risk', 'insufficient_data', 'on_track', 'met')),
    why text,
    value_part numeric,
    value_whole numeric,
    projected_part numeric,
    projected_whole numeric,
    coverage_part numeric NOT NULL,
    coverage_whole numeric NOT NULL,
    allowance_ms bigint,
    used_ms bigint,
    parts jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    evaluated_at timestamptz NOT NULL,
    PRIMARY KEY (municipality, goal, first_day),
    FOREIGN KEY (municipality, goal) REFERENCES goal,
    CHECK ((status = 'insufficient_data') = (value_part IS NULL)),
    CHECK (is_over OR status <> 'met'),
    CHECK (NOT is_over OR status NOT IN ('on_track', 'at_risk'))
);

-- What a period that is over said before something that came late changed it.
CREATE TABLE goal_result_before (
    municipality text NOT NULL,
    goal text NOT NULL,
    first_day date NOT NULL,
    version integer NOT NULL,
    replaced_at timestamptz NOT NULL,
    result jsonb NOT NULL,
    PRIMARY KEY (municipality, goal, first_day, version)
);

-- When the goals of a lane were last judged, and on which local day all of them in all their periods.
CREATE TABLE goal_lane (
    lane smallint PRIMARY KEY REFERENCES lane,
    judged_at timestamptz NOT NULL,
    whole_on date NOT NULL
);
ALTER TABLE goal_lane ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON goal_lane TO bypunkt_worker
    USING (lane = (SELECT scope_lane())) WITH CHECK (lane = (SELECT scope_lane()));
GRANT SELECT, INSERT, UPDATE ON goal_lane TO bypunkt_worker;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['point_services', 'goal', 'goal_result', 'goal_result_before']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$
            CREATE POLICY in_lane ON %I TO bypunkt_worker
            USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
            WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
        $policy$, name);
        EXECUTE format($policy$
            CREATE POLICY of_tenant ON %I TO bypunkt_web
            USING (municipality = ANY ((SELECT scope_municipalities())::text[]))
            WITH CHECK (municipality = ANY ((SELECT scope_municipalities())::text[]))
        $policy$, name);
        EXECUTE format('GRANT SELECT ON %I TO bypunkt_worker, bypunkt_web', name);
    END LOOP;
END $$;
GRANT INSERT, UPDATE ON goal TO bypunkt_web;
GRANT INSERT, UPDATE, DELETE ON goal_result TO bypunkt_worker;
GRANT INSERT ON goal_result_before TO bypunkt_worker;

-- Whoever changes the registry need not think of its history. SECURITY DEFINER: they have no business with it.
CREATE FUNCTION keep_point_services() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO point_services AS p (municipality, point, since, services)
    VALUES (
        NEW.municipality, NEW.id, CASE WHEN TG_OP = 'INSERT' THEN '-infinity' ELSE now() END, NEW.services
    )
    ON CONFLICT (municipality, point, since) DO UPDATE SET services = excluded.services;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION keep_point_services() FROM PUBLIC;
CREATE TRIGGER point_keeps_services AFTER INSERT ON service_point FOR EACH ROW EXECUTE FUNCTION keep_point_services();
CREATE TRIGGER point_keeps_other_services AFTER UPDATE ON service_point FOR EACH ROW
    WHEN (OLD.services IS DISTINCT FROM NEW.services)
    EXECUTE FUNCTION keep_point_services();

INSERT INTO point_services (municipality, point, since, services)
SELECT municipality, id, '-infinity', services FROM service_point;

-- What was said of a goal that promises something else by now is not said of it: it is judged anew.
CREATE FUNCTION promise_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    DELETE FROM goal_result WHERE municipality = NEW.municipality AND goal = NEW.id AND NOT is_over;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION promise_changed() FROM PUBLIC;
CREATE TRIGGER promise_changed AFTER UPDATE ON goal FOR EACH ROW
    WHEN (
        (OLD.metric, OLD.point, OLD.point_kind, OLD.comparator, OLD.target, OLD.period, OLD.valid_from)
        IS DISTINCT FROM (NEW.metric, NEW.point, NEW.point_kind, NEW.comparator, NEW.target, NEW.period, NEW.valid_from)
    )
    EXECUTE FUNCTION promise_changed();
