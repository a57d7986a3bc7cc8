-- Calendars over the measured layer, and how much of each day a device or point was there (docs/availability.md).

-- Where a device has stood, and whether it counted. What the first row says holds for all time before it as well.
CREATE TABLE placement (
    municipality text NOT NULL,
    device text NOT NULL,
    since timestamptz NOT NULL,
    point text,
    kind text NOT NULL,
    in_service boolean NOT NULL,
    PRIMARY KEY (municipality, device, since),
    FOREIGN KEY (municipality, device) REFERENCES device
);
CREATE INDEX ON placement (municipality, point);

-- When a point has been open by its own word, and whether it was in use; likewise.
CREATE TABLE point_hours (
    municipality text NOT NULL,
    point text NOT NULL,
    since timestamptz NOT NULL,
    opening_hours text,
    status text NOT NULL,
    PRIMARY KEY (municipality, point, since),
    FOREIGN KEY (municipality, point) REFERENCES service_point
);

-- One local day on which other hours hold: `opening_hours` in OpenStreetMap's notation, `off` for closed.
CREATE TABLE hours_exception (
    municipality text NOT NULL,
    point text NOT NULL,
    day date NOT NULL,
    opening_hours text NOT NULL,
    reason jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (municipality, point, day),
    FOREIGN KEY (municipality, point) REFERENCES service_point
);

-- Planned work on a municipality (neither point nor device named), a point or a device, and on all that stands in it.
-- Times are Swedish wall-clock times; `rule` repeats them (RFC 5545, RRULE). Nothing is deleted: from `cancelled_at`
-- on it holds no longer.
CREATE TABLE maintenance (
    municipality text NOT NULL REFERENCES municipality,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    point text,
    device text,
    -- squawk-ignore prefer-timestamp-tz
    starts timestamp NOT NULL,
    -- squawk-ignore prefer-timestamp-tz
    ends timestamp NOT NULL CHECK (ends > starts),
    rule text,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz,
    PRIMARY KEY (municipality, id),
    CHECK (point IS NULL OR device IS NULL),
    FOREIGN KEY (municipality, point) REFERENCES service_point,
    FOREIGN KEY (municipality, device) REFERENCES device
);

-- A local day of a device or point in milliseconds: by the whole clock, and within its hours. `lost` worked but had no
-- internet; `degraded` is other degraded time. The six of a kind add up to the day, and to its hours.
CREATE TABLE availability_day (
    municipality text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('device', 'point')),
    subject text NOT NULL,
    day date NOT NULL,
    rule smallint NOT NULL,
    up_ms integer NOT NULL,
    degraded_ms integer NOT NULL,
    lost_ms integer NOT NULL,
    down_ms integer NOT NULL,
    blind_ms integer NOT NULL,
    maintenance_ms integer NOT NULL,
    open_up_ms integer NOT NULL,
    open_degraded_ms integer NOT NULL,
    open_lost_ms integer NOT NULL,
    open_down_ms integer NOT NULL,
    open_blind_ms integer NOT NULL,
    open_maintenance_ms integer NOT NULL,
    hours_known boolean NOT NULL,
    outages integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (municipality, kind, subject, day)
);
-- With the subject in it a row is found as well by the one as by the other, whichever the planner takes.
CREATE INDEX ON availability_day (municipality, kind, day, subject);

-- The same by the local month, named by its first day: the sum of the days that are over. On so many of its `days` the
-- hours are known (`hours_days`).
CREATE TABLE availability_month (
    municipality text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('device', 'point')),
    subject text NOT NULL,
    month date NOT NULL,
    days integer NOT NULL,
    up_ms bigint NOT NULL,
    degraded_ms bigint NOT NULL,
    lost_ms bigint NOT NULL,
    down_ms bigint NOT NULL,
    blind_ms bigint NOT NULL,
    maintenance_ms bigint NOT NULL,
    open_up_ms bigint NOT NULL,
    open_degraded_ms bigint NOT NULL,
    open_lost_ms bigint NOT NULL,
    open_down_ms bigint NOT NULL,
    open_blind_ms bigint NOT NULL,
    open_maintenance_ms bigint NOT NULL,
    hours_days integer NOT NULL,
    hours_known boolean GENERATED ALWAYS AS (hours_days = days) STORED,
    outages integer NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (municipality, kind, subject, month)
);
CREATE INDEX ON availability_month (municipality, kind, month, subject);

-- What a day said before something that came late changed it.
CREATE TABLE availability_day_before (
    municipality text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    day date NOT NULL,
    version integer NOT NULL,
    replaced_at timestamptz NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (municipality, kind, subject, day, version)
);

-- Stretches of the past that have changed since their days were counted; neither point nor device: the municipality.
CREATE TABLE availability_touched (
    municipality text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    point text,
    device text,
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    PRIMARY KEY (municipality, id)
);

-- Until which local day (not included) the days of a lane are counted.
CREATE TABLE availability_lane (
    lane smallint PRIMARY KEY REFERENCES lane,
    counted_until date
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['placement', 'point_hours', 'hours_exception', 'maintenance', 'availability_day',
                                'availability_month', 'availability_day_before', 'availability_touched']
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
    END LOOP;
END $$;
ALTER TABLE availability_lane ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON availability_lane TO bypunkt_worker
    USING (lane = (SELECT scope_lane())) WITH CHECK (lane = (SELECT scope_lane()));
CREATE POLICY readable ON availability_lane FOR SELECT TO bypunkt_web USING (true);
GRANT SELECT, INSERT, UPDATE ON availability_lane TO bypunkt_worker;
GRANT SELECT ON availability_lane TO bypunkt_web;
GRANT SELECT ON placement, point_hours, hours_exception, maintenance TO bypunkt_worker, bypunkt_web;
GRANT INSERT, UPDATE, DELETE ON hours_exception TO bypunkt_web;
GRANT INSERT, UPDATE (cancelled_at) ON maintenance TO bypunkt_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON availability_day, availability_month TO bypunkt_worker;
GRANT SELECT, INSERT ON availability_day_before TO bypunkt_worker;
-- What is left of a stretch that is counted again in parts begins later.
GRANT SELECT, DELETE, UPDATE (from_at) ON availability_touched TO bypunkt_worker;
GRANT SELECT ON availability_day, availability_month, availability_day_before TO bypunkt_web;

-- What whoever changes the registry, a calendar or an interval need not think of. SECURITY DEFINER: they have no
-- business with what is made of it.
CREATE FUNCTION touch(code text, at_point text, at_device text, from_at timestamptz, until_at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
    INSERT INTO availability_touched (municipality, point, device, from_at, until_at)
    VALUES (code, at_point, at_device, from_at, until_at)
$$;
REVOKE ALL ON FUNCTION touch(text, text, text, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION keep_placement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO placement AS p (municipality, device, since, point, kind, in_service)
    VALUES (
        NEW.municipality, NEW.id, CASE WHEN TG_OP = 'INSERT' THEN '-infinity' ELSE clock_timestamp() END, NEW.point, NEW.kind,
        NEW.lifecycle = 'active'
    )
    ON CONFLICT (municipality, device, since) DO UPDATE
    SET point = excluded.point, kind = excluded.kind, in_service = excluded.in_service;
    -- A transaction that began before midnight may end after the day was counted.
    IF TG_OP = 'UPDATE' THEN
        PERFORM touch(NEW.municipality, NULL, NEW.id, now(), 'infinity');
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION keep_placement() FROM PUBLIC;
CREATE TRIGGER device_stands AFTER INSERT ON device FOR EACH ROW EXECUTE FUNCTION keep_placement();
CREATE TRIGGER device_stands_otherwise AFTER UPDATE ON device FOR EACH ROW
    WHEN ((OLD.point, OLD.kind, OLD.lifecycle = 'active') IS DISTINCT FROM (NEW.point, NEW.kind, NEW.lifecycle = 'active'))
    EXECUTE FUNCTION keep_placement();

CREATE FUNCTION keep_point_hours() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO point_hours AS p (municipality, point, since, opening_hours, status)
    VALUES (
        NEW.municipality, NEW.id, CASE WHEN TG_OP = 'INSERT' THEN '-infinity' ELSE clock_timestamp() END, NEW.opening_hours,
        NEW.status
    )
    ON CONFLICT (municipality, point, since) DO UPDATE
    SET opening_hours = excluded.opening_hours, status = excluded.status;
    IF TG_OP = 'UPDATE' THEN
        PERFORM touch(NEW.municipality, NEW.id, NULL, now(), 'infinity');
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION keep_point_hours() FROM PUBLIC;
CREATE TRIGGER point_keeps_hours AFTER INSERT ON service_point FOR EACH ROW EXECUTE FUNCTION keep_point_hours();
CREATE TRIGGER point_keeps_other_hours AFTER UPDATE ON service_point FOR EACH ROW
    WHEN ((OLD.opening_hours, OLD.status) IS DISTINCT FROM (NEW.opening_hours, NEW.status))
    EXECUTE FUNCTION keep_point_hours();

INSERT INTO placement (municipality, device, since, point, kind, in_service)
SELECT municipality, id, '-infinity', point, kind, lifecycle = 'active' FROM device;
INSERT INTO point_hours (municipality, point, since, opening_hours, status)
SELECT municipality, id, '-infinity', opening_hours, status FROM service_point;

-- Both what was said before and what is said now.
CREATE FUNCTION exception_touches() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
DECLARE
    one hours_exception;
BEGIN
    FOREACH one IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD] ELSE ARRAY[OLD, NEW] END
    LOOP
        PERFORM touch(
            one.municipality, one.point, NULL, one.day::timestamp AT TIME ZONE 'Europe/Stockholm',
            (one.day + 1)::timestamp AT TIME ZONE 'Europe/Stockholm'
        );
    END LOOP;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION exception_touches() FROM PUBLIC;
CREATE TRIGGER exception_touches AFTER INSERT OR UPDATE OR DELETE ON hours_exception
    FOR EACH ROW EXECUTE FUNCTION exception_touches();

CREATE FUNCTION maintenance_touches() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
DECLARE
    one maintenance;
BEGIN
    FOREACH one IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] ELSE ARRAY[OLD, NEW] END
    LOOP
        PERFORM touch(
            one.municipality, one.point, one.device, (one.starts - interval '1 day') AT TIME ZONE 'Europe/Stockholm',
            CASE
                WHEN one.rule IS NULL THEN (one.ends + interval '1 day') AT TIME ZONE 'Europe/Stockholm' ELSE 'infinity'
            END
        );
    END LOOP;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION maintenance_touches() FROM PUBLIC;
CREATE TRIGGER maintenance_touches AFTER INSERT OR UPDATE ON maintenance
    FOR EACH ROW EXECUTE FUNCTION maintenance_touches();

-- Days that are over are counted once; what changes them later says so. One row a device and statement, and none for
-- what only concerns today.
CREATE FUNCTION local_midnight() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN date_trunc('day', statement_timestamp(), 'Europe/Stockholm');

CREATE FUNCTION intervals_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO availability_touched (municipality, device, from_at, until_at)
    SELECT n.municipality, n.device, min(n.starts_at), max(coalesce(n.ends_at, 'infinity'))
    FROM added AS n WHERE n.starts_at < (SELECT local_midnight()) GROUP BY n.municipality, n.device;
    RETURN NULL;
END $$;
CREATE FUNCTION intervals_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO availability_touched (municipality, device, from_at, until_at)
    SELECT o.municipality, o.device, min(o.starts_at), max(coalesce(o.ends_at, 'infinity'))
    FROM removed AS o WHERE o.starts_at < (SELECT local_midnight()) GROUP BY o.municipality, o.device;
    RETURN NULL;
END $$;
-- An interval whose end alone has moved has changed between its two ends.
CREATE FUNCTION intervals_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO availability_touched (municipality, device, from_at, until_at)
    SELECT c.municipality, c.device, min(c.from_at), max(c.until_at)
    FROM (
        SELECT
            o.municipality, o.device,
            CASE WHEN o.state = n.state AND o.reason = n.reason
                THEN least(coalesce(o.ends_at, 'infinity'), coalesce(n.ends_at, 'infinity')) ELSE o.starts_at
            END AS from_at,
            greatest(coalesce(o.ends_at, 'infinity'), coalesce(n.ends_at, 'infinity')) AS until_at
        FROM removed AS o
        JOIN added AS n ON n.municipality = o.municipality AND n.device = o.device AND n.starts_at = o.starts_at
        WHERE o.starts_at < (SELECT local_midnight())
    ) AS c
    WHERE c.from_at < (SELECT local_midnight()) AND c.from_at < c.until_at
    GROUP BY c.municipality, c.device;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION intervals_added(), intervals_removed(), intervals_changed() FROM PUBLIC;
CREATE TRIGGER intervals_added AFTER INSERT ON status_interval
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION intervals_added();
CREATE TRIGGER intervals_removed AFTER DELETE ON status_interval
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION intervals_removed();
CREATE TRIGGER intervals_changed AFTER UPDATE ON status_interval
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION intervals_changed();

-- What everyone may know of points that are shown.
CREATE VIEW public_availability_day AS
SELECT a.*
FROM availability_day AS a
JOIN public_point AS p ON p.municipality = a.municipality AND p.id = a.subject
WHERE a.kind = 'point';
CREATE VIEW public_maintenance AS
SELECT m.municipality, m.point, m.starts, m.ends, m.rule, m.reason
FROM maintenance AS m
WHERE m.cancelled_at IS NULL AND m.device IS NULL AND (m.point IS NULL OR EXISTS (
    SELECT FROM public_point AS p WHERE p.municipality = m.municipality AND p.id = m.point
));
CREATE VIEW public_hours_exception AS
SELECT e.municipality, e.point, e.day, e.opening_hours, e.reason
FROM hours_exception AS e
JOIN public_point AS p ON p.municipality = e.municipality AND p.id = e.point;
GRANT SELECT ON public_availability_day, public_maintenance, public_hours_exception TO bypunkt_read, bypunkt_web;
