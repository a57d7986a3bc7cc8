-- Usage by the local day and month, sessions, visitor-days, and pages of the kiosks (docs/usage.md, docs/decisions/0028).
-- Counts of devices and places: nothing in here is about one visitor.

-- Sessions on the network that ended in an hour (UTC), and how long they were. The single session is erased after 48 hours.
CREATE TABLE usage_session (
    municipality text NOT NULL,
    device text NOT NULL,
    hour timestamptz NOT NULL,
    sessions integer NOT NULL,
    session_seconds bigint NOT NULL,
    PRIMARY KEY (municipality, device, hour)
) WITH (fillfactor = 70);

-- What a device counted itself: different clients of a local day, and how much of it it was counting, in hundredths of a
-- per cent. The newest report of a day counts.
CREATE TABLE usage_visitors (
    municipality text NOT NULL,
    device text NOT NULL,
    day date NOT NULL,
    visitors integer NOT NULL,
    coverage integer NOT NULL,
    reported_at timestamptz NOT NULL,
    reported_id text NOT NULL,
    PRIMARY KEY (municipality, device, day)
);

-- Pages shown at a kiosk, by language and local day, and by the month, which is the sum of the days that are over.
CREATE TABLE usage_page_day (
    municipality text NOT NULL,
    device text NOT NULL,
    day date NOT NULL,
    page text NOT NULL,
    lang text NOT NULL,
    views integer NOT NULL,
    PRIMARY KEY (municipality, device, day, page, lang)
) WITH (fillfactor = 70);
CREATE TABLE usage_page_month (
    municipality text NOT NULL,
    device text NOT NULL,
    month date NOT NULL,
    page text NOT NULL,
    lang text NOT NULL,
    views integer NOT NULL,
    PRIMARY KEY (municipality, device, month, page, lang)
);

-- A local day of a device, once it is over. `client_hours` are the hours in which clients were counted, `client_seconds`
-- the sum over them of 3,600 times the mean number of clients. `visitors` is empty where the device has not told.
CREATE TABLE usage_day (
    municipality text NOT NULL,
    device text NOT NULL,
    day date NOT NULL,
    samples integer NOT NULL,
    clients_max integer NOT NULL,
    client_hours integer NOT NULL,
    client_seconds bigint NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    estimated boolean NOT NULL,
    sessions integer NOT NULL,
    session_seconds bigint NOT NULL,
    visitors integer,
    visitors_coverage integer,
    kiosk_sessions integer NOT NULL,
    kiosk_views integer NOT NULL,
    PRIMARY KEY (municipality, device, day)
) WITH (fillfactor = 90);

-- The same by the local month, named by its first day. `…_few` is the sum over the days with one to four of them, and
-- `…_few_days` how many such days there were: what is published does not tell those apart (docs/decisions/0029).
CREATE TABLE usage_month (
    municipality text NOT NULL,
    device text NOT NULL,
    month date NOT NULL,
    days integer NOT NULL,
    samples bigint NOT NULL,
    clients_max integer NOT NULL,
    client_hours bigint NOT NULL,
    client_seconds bigint NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    estimated boolean NOT NULL,
    sessions bigint NOT NULL,
    sessions_few bigint NOT NULL,
    sessions_few_days integer NOT NULL,
    session_seconds bigint NOT NULL,
    visitors bigint NOT NULL,
    visitors_few bigint NOT NULL,
    visitors_few_days integer NOT NULL,
    visitors_days integer NOT NULL,
    visitors_coverage bigint NOT NULL,
    kiosk_sessions bigint NOT NULL,
    kiosk_sessions_few bigint NOT NULL,
    kiosk_sessions_few_days integer NOT NULL,
    kiosk_views bigint NOT NULL,
    PRIMARY KEY (municipality, device, month)
) WITH (fillfactor = 90);

-- Days that are over and have to be counted (again): by the midnight that ended them, or by something that came late.
CREATE TABLE usage_touched (
    municipality text NOT NULL,
    device text NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (municipality, device, day)
);

-- Until which local day (not included) the days of a lane are counted, but for those that are touched.
CREATE TABLE usage_lane (
    lane smallint PRIMARY KEY REFERENCES lane,
    counted_until date NOT NULL
);

CREATE FUNCTION local_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (moment AT TIME ZONE 'Europe/Stockholm')::date;
CREATE FUNCTION day_begins(day date) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN day::timestamp AT TIME ZONE 'Europe/Stockholm';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['usage_session', 'usage_visitors', 'usage_page_day', 'usage_page_month', 'usage_day',
                                'usage_month', 'usage_touched']
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
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO bypunkt_worker', name);
        EXECUTE format('GRANT SELECT ON %I TO bypunkt_web', name);
    END LOOP;
END $$;
ALTER TABLE usage_lane ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON usage_lane TO bypunkt_worker
    USING (lane = (SELECT scope_lane())) WITH CHECK (lane = (SELECT scope_lane()));
CREATE POLICY readable ON usage_lane FOR SELECT TO bypunkt_web USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_lane TO bypunkt_worker;
GRANT SELECT ON usage_lane TO bypunkt_web;

-- Views that have been read already, by page. What a worker of the version before reads from here on, until it is restarted,
-- it counts by the hour and not by page: `bypunkt rebuild usage` counts it again.
INSERT INTO usage_page_day (municipality, device, day, page, lang, views)
SELECT e.municipality, e.device, local_day(e.at), e.data ->> 'page', coalesce(e.data ->> 'lang', ''), count(*)
FROM event AS e
JOIN reading_cursor AS c ON c.reading = 'usage' AND c.lane = e.lane AND e.position <= c.position
WHERE e.type = 'kiosk.view'
GROUP BY 1, 2, 3, 4, 5;
