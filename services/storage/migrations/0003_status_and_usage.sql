-- The first two readings of the log: the measured state of each device, and usage by hour.

CREATE TABLE device_status (
    municipality text NOT NULL,
    device text NOT NULL,
    lane smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('up', 'degraded', 'down', 'blind')),
    reason text NOT NULL,
    since timestamptz NOT NULL,
    last_sign_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    next_change_at timestamptz,
    expected_interval_s integer NOT NULL,
    offline_after_s integer NOT NULL,
    boot text,
    conn text,
    uplink_ok boolean,
    born_at timestamptz,
    revision bigint NOT NULL,
    PRIMARY KEY (municipality, device)
) WITH (fillfactor = 50);
CREATE INDEX ON device_status (lane);

CREATE TABLE status_interval (
    municipality text NOT NULL,
    device text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    state text NOT NULL CHECK (state IN ('up', 'degraded', 'down', 'blind')),
    reason text NOT NULL,
    PRIMARY KEY (municipality, device, starts_at)
);

CREATE TABLE status_lane (
    lane smallint PRIMARY KEY REFERENCES lane,
    as_of timestamptz NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    observed text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);

CREATE TABLE usage_hour (
    municipality text NOT NULL,
    device text NOT NULL,
    hour timestamptz NOT NULL,
    samples integer NOT NULL,
    clients_max integer NOT NULL,
    clients_mean double precision NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    estimated boolean NOT NULL,
    kiosk_sessions integer NOT NULL,
    kiosk_views integer NOT NULL,
    PRIMARY KEY (municipality, device, hour)
) WITH (fillfactor = 70);

-- What everyone may know: points, and the sum of their devices in words' stead. The views run with their owner's
-- rights on purpose, so that the public role needs no right on any tenant table (rule R25).
CREATE VIEW public_municipality AS
SELECT code, name, county, languages, seat_lat, seat_lon FROM municipality;

CREATE VIEW public_point AS
SELECT p.municipality, p.id, p.kind, p.names, p.locality, l.names AS locality_names, p.lat, p.lon,
       p.opening_hours, p.services, p.status, p.synthetic, p.updated_at
FROM service_point AS p
LEFT JOIN locality AS l ON l.municipality = p.municipality AND l.id = p.locality
WHERE p.status IN ('pilot', 'active', 'paused');

-- What nobody has judged for half a minute is not known: a worker that stands still must not look like villages that work.
CREATE FUNCTION is_stale(caught_up_at timestamptz) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(caught_up_at < now() - interval '30 seconds', false);

-- A device's stored state as it may be shown; the one place that says so.
CREATE FUNCTION shown_state(judged text, judged_for text, judged_since timestamptz, caught_up_at timestamptz)
RETURNS TABLE (state text, reason text, since timestamptz) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT CASE WHEN x.stale THEN 'blind' ELSE coalesce(judged, 'blind') END,
           CASE WHEN x.stale THEN 'not_watched' ELSE coalesce(judged_for, 'never_seen') END,
           CASE WHEN x.stale THEN caught_up_at ELSE judged_since END
    FROM (SELECT judged <> 'blind' AND is_stale(caught_up_at)) AS x (stale);
END;

CREATE VIEW public_device_state AS
SELECT d.municipality, d.point, d.kind, x.state, x.reason, x.since, s.last_sign_at, s.revision
FROM device AS d
JOIN municipality AS m ON m.code = d.municipality
LEFT JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = m.lane
CROSS JOIN LATERAL shown_state(s.state, s.reason, s.since, c.caught_up_at) AS x
WHERE d.lifecycle = 'active' AND d.point IS NOT NULL;

-- The same for staff: every device that whoever asks may see, with the rights of whoever asks.
CREATE VIEW judged_device_state WITH (security_invoker = true) AS
SELECT d.municipality, d.id AS device, d.kind, d.point, d.lifecycle, x.state, x.reason, x.since,
       s.last_sign_at, s.last_event_at, s.uplink_ok, m.lane, coalesce(s.revision, 0) AS revision
FROM device AS d
JOIN municipality AS m ON m.code = d.municipality
LEFT JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = m.lane
CROSS JOIN LATERAL shown_state(s.state, s.reason, s.since, c.caught_up_at) AS x;
