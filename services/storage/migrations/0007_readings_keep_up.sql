-- Readings that keep up: sums by radio to which a batch is added, and what else a batch must not look for.

-- Nobody writes hours or states from here on: what has been read until now is counted below, and the next batch of a
-- worker of the version before fails, stays unread, and is read by this version.
LOCK TABLE device_status, usage_hour IN ACCESS EXCLUSIVE MODE;

-- What each radio of a device carried in each hour, as whole numbers: the order of adding changes nothing. The last
-- counters of the hour stand beside it, for the growth until the next ones. Kiosks count under the radio ''.
CREATE TABLE usage_radio (
    municipality text NOT NULL,
    device text NOT NULL,
    hour timestamptz NOT NULL,
    iface text NOT NULL,
    samples integer NOT NULL,
    clients_max integer NOT NULL,
    clients_sum bigint NOT NULL,
    clients_n integer NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    estimated boolean NOT NULL,
    kiosk_sessions integer NOT NULL,
    kiosk_views integer NOT NULL,
    counter_at timestamptz,
    counter_id text,
    down_total bigint,
    up_total bigint,
    PRIMARY KEY (municipality, device, hour, iface)
) WITH (fillfactor = 70);

ALTER TABLE usage_radio ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON usage_radio TO bypunkt_worker
    USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
    WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())));
CREATE POLICY of_tenant ON usage_radio FOR SELECT TO bypunkt_web
    USING (municipality = ANY ((SELECT scope_municipalities())::text[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_radio TO bypunkt_worker;
GRANT SELECT ON usage_radio TO bypunkt_web;

-- What has been counted so far, by radio; the same rules as in services/usage/queries.sql.
INSERT INTO usage_radio
WITH samples AS (
    SELECT
        e.municipality, e.device, date_trunc('hour', e.at, 'UTC') AS hour, coalesce(e.data ->> 'iface', '') AS iface,
        e.at, e.id, e.type,
        (e.data ->> 'clients')::bigint AS clients,
        coalesce((e.data ->> 'clients_max')::bigint, (e.data ->> 'clients')::bigint) AS clients_max,
        (e.data ->> 'down_bytes')::bigint AS down_delta,
        (e.data ->> 'up_bytes')::bigint AS up_delta,
        (e.data ->> 'down_bytes_total')::bigint AS down_total,
        (e.data ->> 'up_bytes_total')::bigint AS up_total,
        coalesce((e.data ->> 'estimated')::boolean, false) AS estimated,
        e.type = 'wifi.usage' AND e.data ?| ARRAY['down_bytes_total', 'up_bytes_total'] AS counts
    FROM event AS e
    JOIN reading_cursor AS c ON c.reading = 'usage' AND c.lane = e.lane AND e.position <= c.position
    WHERE e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
),

followed AS (
    SELECT
        s.*,
        s.counts AND lead(s.hour) OVER radio IS DISTINCT FROM s.hour AS newest,
        s.counts AND lag(s.at) OVER radio >= s.at - interval '7 days' AS connected,
        lag(s.down_total) OVER radio AS down_before,
        lag(s.up_total) OVER radio AS up_before
    FROM samples AS s
    WINDOW radio AS (PARTITION BY s.municipality, s.device, s.iface, s.counts ORDER BY s.at, s.id)
)

SELECT
    f.municipality, f.device, f.hour, f.iface,
    count(*) FILTER (WHERE f.type = 'wifi.usage'),
    coalesce(max(f.clients_max), 0), coalesce(sum(f.clients), 0), count(f.clients),
    least(sum(CASE
        WHEN f.down_total IS NULL AND f.down_delta IS NOT NULL THEN f.down_delta ELSE 0 END + CASE
        WHEN NOT f.connected OR f.down_before IS NULL THEN 0
        WHEN f.down_total >= f.down_before THEN f.down_total - f.down_before ELSE coalesce(f.down_total, 0) END::numeric
    ), 9223372036854775807),
    least(sum(CASE
        WHEN f.up_total IS NULL AND f.up_delta IS NOT NULL THEN f.up_delta ELSE 0 END + CASE
        WHEN NOT f.connected OR f.up_before IS NULL THEN 0
        WHEN f.up_total >= f.up_before THEN f.up_total - f.up_before ELSE coalesce(f.up_total, 0) END::numeric
    ), 9223372036854775807),
    bool_or(f.estimated),
    count(*) FILTER (WHERE f.type = 'kiosk.session'), count(*) FILTER (WHERE f.type = 'kiosk.view'),
    max(f.at) FILTER (WHERE f.newest), max(f.id) FILTER (WHERE f.newest),
    max(f.down_total) FILTER (WHERE f.newest), max(f.up_total) FILTER (WHERE f.newest)
FROM followed AS f
GROUP BY f.municipality, f.device, f.hour, f.iface;

-- What pages read stays as it was: the sum of the radios, with the rights of whoever asks.
-- The same name and columns follow as a view, and the table was made from the log.
-- squawk-ignore ban-drop-table
DROP TABLE usage_hour;
CREATE VIEW usage_hour WITH (security_invoker = true) AS
SELECT
    municipality, device, hour,
    sum(samples)::integer AS samples,
    least(sum(clients_max), 2147483647)::integer AS clients_max,
    round(sum(coalesce(clients_sum::numeric / nullif(clients_n, 0), 0)), 3)::double precision AS clients_mean,
    least(sum(down_bytes), 9223372036854775807)::bigint AS down_bytes,
    least(sum(up_bytes), 9223372036854775807)::bigint AS up_bytes,
    bool_or(estimated) AS estimated,
    sum(kiosk_sessions)::integer AS kiosk_sessions,
    sum(kiosk_views)::integer AS kiosk_views
FROM usage_radio
GROUP BY municipality, device, hour;
GRANT SELECT ON usage_hour TO bypunkt_worker, bypunkt_web;

-- Under which revision what is shown of a device last changed. That it was heard again is no such change, so the index
-- need not follow every event.
ALTER TABLE device_status ADD COLUMN changed_revision bigint NOT NULL DEFAULT 0;
-- Short for a table with one row a device.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX device_status_changed ON device_status (lane, changed_revision);
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX device_status_lane_idx;

-- Before when no device of the lane changes by itself; empty: not known.
ALTER TABLE status_lane ADD COLUMN due_from timestamptz;

-- Devices of which the registry expects something else than before, or that went out of service or came back: each is
-- judged again at the next turn, so that a turn need not compare all of them. Rows are only added and taken away: one
-- that was changed in place could be lost between two readers.
CREATE TABLE status_recheck (
    municipality text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    device text NOT NULL,
    PRIMARY KEY (municipality, id),
    FOREIGN KEY (municipality, device) REFERENCES device
);
ALTER TABLE status_recheck ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON status_recheck TO bypunkt_worker
    USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
    WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())));
GRANT SELECT, DELETE ON status_recheck TO bypunkt_worker;

-- SECURITY DEFINER because who changes the registry has no business with what is made of it.
CREATE FUNCTION ask_for_recheck() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
BEGIN
    INSERT INTO status_recheck (municipality, device) VALUES (NEW.municipality, NEW.id);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ask_for_recheck() FROM PUBLIC;
CREATE TRIGGER device_expected_otherwise AFTER UPDATE ON device FOR EACH ROW
    WHEN ((OLD.expected_interval_s, OLD.offline_after_s, OLD.lifecycle)
        IS DISTINCT FROM (NEW.expected_interval_s, NEW.offline_after_s, NEW.lifecycle))
    EXECUTE FUNCTION ask_for_recheck();

INSERT INTO status_recheck (municipality, device)
SELECT s.municipality, s.device
FROM device_status AS s
JOIN device AS d ON d.municipality = s.municipality AND d.id = s.device
WHERE (s.expected_interval_s, s.offline_after_s) <> (d.expected_interval_s, d.offline_after_s)
    OR (d.lifecycle NOT IN ('registered', 'active') AND s.next_change_at IS DISTINCT FROM 'epoch');
