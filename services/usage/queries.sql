-- name: add
-- Add a stretch of the log to the hours, and return the counters' readings that came after a later one of the same
-- radio: what they touch is to be counted again. All the rest is sums of whole numbers; of a counter the growth since
-- the reading before it counts, which stands in the newest row that the radio has.
WITH fresh AS MATERIALIZED (
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
    WHERE e.lane = $1 AND e.position > $2 AND e.position <= $3
        AND e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
),

followed AS (
    SELECT
        f.*,
        row_number() OVER radio AS place,
        f.counts AND lead(f.hour) OVER radio IS DISTINCT FROM f.hour AS newest,
        lag(f.at) OVER radio AS at_before,
        lag(f.down_total) OVER radio AS down_before,
        lag(f.up_total) OVER radio AS up_before
    FROM fresh AS f
    WINDOW radio AS (
        PARTITION BY f.municipality COLLATE "C", f.device COLLATE "C", f.iface COLLATE "C", f.counts
        ORDER BY f.at, f.id
    )
),

joined AS MATERIALIZED (
    SELECT
        f.*,
        CASE WHEN k.hour = f.hour THEN k.ctid END AS stands_at,
        (k.counter_at, k.counter_id) > (f.at, f.id) AS late,
        CASE WHEN f.place > 1 THEN f.at_before ELSE k.counter_at END >= f.at - interval '7 days' AS connected,
        CASE WHEN f.place > 1 THEN f.down_before ELSE k.down_total END AS down_from,
        CASE WHEN f.place > 1 THEN f.up_before ELSE k.up_total END AS up_from
    FROM followed AS f
    LEFT JOIN LATERAL (
        SELECT u.ctid, u.hour, u.counter_at, u.counter_id, u.down_total, u.up_total
        FROM usage_radio AS u
        WHERE f.counts AND f.place = 1
            AND u.municipality = f.municipality AND u.device = f.device AND u.iface = f.iface
            AND u.hour >= f.hour - interval '7 days' AND u.counter_at IS NOT NULL
        ORDER BY u.hour DESC
        LIMIT 1
    ) AS k ON true
),

sums AS MATERIALIZED (
    SELECT
        j.municipality, j.device, j.hour, j.iface,
        max(j.stands_at) AS stands_at,
        count(*) FILTER (WHERE j.type = 'wifi.usage') AS samples,
        coalesce(max(j.clients_max), 0) AS clients_max,
        coalesce(sum(j.clients), 0) AS clients_sum,
        count(j.clients) AS clients_n,
        least(sum(CASE
            WHEN j.down_total IS NULL THEN coalesce(j.down_delta, 0)
            WHEN j.connected IS NOT TRUE OR j.down_from IS NULL THEN 0
            WHEN j.down_total >= j.down_from THEN j.down_total - j.down_from
            ELSE j.down_total
        END), 9223372036854775807)::bigint AS down_bytes,
        least(sum(CASE
            WHEN j.up_total IS NULL THEN coalesce(j.up_delta, 0)
            WHEN j.connected IS NOT TRUE OR j.up_from IS NULL THEN 0
            WHEN j.up_total >= j.up_from THEN j.up_total - j.up_from
            ELSE j.up_total
        END), 9223372036854775807)::bigint AS up_bytes,
        bool_or(j.estimated) AS estimated,
        count(*) FILTER (WHERE j.type = 'kiosk.session') AS kiosk_sessions,
        count(*) FILTER (WHERE j.type = 'kiosk.view') AS kiosk_views,
        max(j.at) FILTER (WHERE j.newest) AS counter_at,
        max(j.id) FILTER (WHERE j.newest) AS counter_id,
        max(j.down_total) FILTER (WHERE j.newest) AS down_total,
        max(j.up_total) FILTER (WHERE j.newest) AS up_total
    FROM joined AS j
    GROUP BY j.municipality, j.device, j.hour, j.iface
),

-- Where the radio's newest row is that of this hour, it has just been looked at, and is found by its place.
grown AS (
    UPDATE usage_radio AS u
    SET
        samples = u.samples + s.samples,
        clients_max = greatest(u.clients_max, s.clients_max),
        clients_sum = u.clients_sum + s.clients_sum,
        clients_n = u.clients_n + s.clients_n,
        down_bytes = least(u.down_bytes::numeric + s.down_bytes, 9223372036854775807),
        up_bytes = least(u.up_bytes::numeric + s.up_bytes, 9223372036854775807),
        estimated = u.estimated OR s.estimated,
        kiosk_sessions = u.kiosk_sessions + s.kiosk_sessions,
        kiosk_views = u.kiosk_views + s.kiosk_views,
        counter_at = s.counter_at,
        counter_id = s.counter_id,
        down_total = s.down_total,
        up_total = s.up_total
    FROM sums AS s
    WHERE u.ctid = s.stands_at
),

put AS (
    INSERT INTO usage_radio AS u (
        municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes, up_bytes,
        estimated, kiosk_sessions, kiosk_views, counter_at, counter_id, down_total, up_total
    )
    SELECT
        s.municipality, s.device, s.hour, s.iface, s.samples, s.clients_max, s.clients_sum, s.clients_n, s.down_bytes,
        s.up_bytes, s.estimated, s.kiosk_sessions, s.kiosk_views, s.counter_at, s.counter_id, s.down_total, s.up_total
    FROM sums AS s
    WHERE s.stands_at IS NULL
    ON CONFLICT (municipality, device, hour, iface) DO UPDATE SET
        samples = u.samples + excluded.samples,
        clients_max = greatest(u.clients_max, excluded.clients_max),
        clients_sum = u.clients_sum + excluded.clients_sum,
        clients_n = u.clients_n + excluded.clients_n,
        down_bytes = least(u.down_bytes::numeric + excluded.down_bytes, 9223372036854775807),
        up_bytes = least(u.up_bytes::numeric + excluded.up_bytes, 9223372036854775807),
        estimated = u.estimated OR excluded.estimated,
        kiosk_sessions = u.kiosk_sessions + excluded.kiosk_sessions,
        kiosk_views = u.kiosk_views + excluded.kiosk_views,
        counter_at = coalesce(excluded.counter_at, u.counter_at),
        counter_id = coalesce(excluded.counter_id, u.counter_id),
        down_total = CASE WHEN excluded.counter_at IS NULL THEN u.down_total ELSE excluded.down_total END,
        up_total = CASE WHEN excluded.counter_at IS NULL THEN u.up_total ELSE excluded.up_total END
),

-- Days that have been counted already, and are to be counted again.
touched AS (
    INSERT INTO usage_touched (municipality, device, day)
    SELECT DISTINCT s.municipality, s.device, local_day(s.hour)
    FROM sums AS s
    WHERE s.hour < (SELECT day_begins(l.counted_until) FROM usage_lane AS l WHERE l.lane = $1)
    ON CONFLICT DO NOTHING
)

SELECT j.municipality, j.device, j.at, j.id, j.iface
FROM joined AS j
WHERE j.counts AND (j.municipality, j.device, j.iface) IN (
    SELECT l.municipality, l.device, l.iface FROM joined AS l WHERE l.late
)

-- name: touched_hours
-- The hours that late readings of counters change: their own, and that of the reading which follows on the same radio.
WITH given AS (
    SELECT *
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
        AS t (municipality, device, at, id, iface)
)

SELECT g.municipality, g.device, date_trunc('hour', g.at, 'UTC') AS hour
FROM given AS g
UNION
SELECT g.municipality, g.device, date_trunc('hour', n.at, 'UTC') AS hour
FROM given AS g
CROSS JOIN LATERAL (
    SELECT e.at
    FROM event AS e
    WHERE e.municipality = g.municipality AND e.device = g.device AND e.type = 'wifi.usage'
        AND (e.at, e.id) > (g.at, g.id) AND e.at <= g.at + interval '7 days' AND e.position <= $1
        AND coalesce(e.data ->> 'iface', '') = g.iface AND e.data ?| ARRAY['down_bytes_total', 'up_bytes_total']
    ORDER BY e.at, e.id
    LIMIT 1
) AS n

-- name: all_hours
-- Every hour of the lane that has something to count, and of which the log still has all that it needs: a counter looks
-- back for 7 days. What is older stays as it was counted.
SELECT h.municipality, h.device, h.hour
FROM (
    SELECT DISTINCT e.municipality, e.device, date_trunc('hour', e.at, 'UTC') AS hour
    FROM event AS e
    WHERE e.lane = $1 AND e.position <= $2 AND e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
) AS h
WHERE h.hour >= log_whole_from(h.municipality) + interval '7 days'
ORDER BY h.municipality, h.device, h.hour

-- name: forget_hours
-- Drop hours that are about to be made again.
DELETE FROM usage_radio AS u
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS t (municipality, device, hour)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.hour = t.hour

-- name: forget_radios
-- Drop the hours of radios that are about to be counted again.
DELETE FROM usage_radio AS u
USING unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS t (municipality, device, hour, iface)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.hour = t.hour AND u.iface = t.iface

-- name: hours_kept
-- The hours as they stand, by radio, for comparison, where the log still has all of them.
SELECT
    municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes, up_bytes,
    estimated, kiosk_sessions, kiosk_views, counter_at, counter_id, down_total, up_total
FROM usage_radio
WHERE hour >= log_whole_from(municipality) + interval '7 days'
ORDER BY municipality, device, hour, iface

-- name: count_hours
-- Count hours from the log, by radio. Deltas count as they are. Of a counter the growth since the reading before it on the
-- same radio counts, all of it in the later one's hour; a counter that went down had begun again from zero. Each hour is
-- looked up by its key (OFFSET 0), whatever the planner thinks of partitions that it does not know yet; bounds are made
-- beforehand, since row-level security lets no arithmetic into an index condition.
WITH hours AS (
    SELECT t.*, t.hour + interval '1 hour' AS ends
    FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t (municipality, device, hour)
    OFFSET 0
),

samples AS (
    SELECT
        h.municipality, h.device, h.hour, e.at, e.id, e.type,
        coalesce(e.data ->> 'iface', '') AS iface,
        (e.data ->> 'clients')::bigint AS clients,
        coalesce((e.data ->> 'clients_max')::bigint, (e.data ->> 'clients')::bigint) AS clients_max,
        (e.data ->> 'down_bytes')::numeric AS down_delta,
        (e.data ->> 'up_bytes')::numeric AS up_delta,
        (e.data ->> 'down_bytes_total')::numeric AS down_total,
        (e.data ->> 'up_bytes_total')::numeric AS up_total,
        coalesce((e.data ->> 'estimated')::boolean, false) AS estimated
    FROM hours AS h
    CROSS JOIN LATERAL (
        SELECT e.at, e.id, e.type, e.data
        FROM event AS e
        WHERE e.municipality = h.municipality AND e.device = h.device AND e.at >= h.hour AND e.at < h.ends
            AND e.position <= $1 AND e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
        OFFSET 0
    ) AS e
),

readings AS (
    SELECT
        s.*,
        s.at - interval '7 days' AS since,
        lag(s.down_total) OVER radio AS down_before,
        lag(s.up_total) OVER radio AS up_before,
        row_number() OVER radio AS place,
        lead(s.at) OVER radio IS NULL AS newest
    FROM samples AS s
    WHERE s.type = 'wifi.usage' AND (s.down_total IS NOT NULL OR s.up_total IS NOT NULL)
    WINDOW radio AS (PARTITION BY s.municipality, s.device, s.hour, s.iface ORDER BY s.at, s.id)
),

growth AS (
    SELECT
        r.municipality, r.device, r.hour, r.iface, r.newest, r.at, r.id,
        CASE WHEN r.place > 1 THEN r.down_before ELSE b.down_total END AS down_before, r.down_total,
        CASE WHEN r.place > 1 THEN r.up_before ELSE b.up_total END AS up_before, r.up_total
    FROM readings AS r
    LEFT JOIN LATERAL (
        SELECT
            (e.data ->> 'down_bytes_total')::numeric AS down_total,
            (e.data ->> 'up_bytes_total')::numeric AS up_total
        FROM event AS e
        WHERE r.place = 1 AND e.municipality = r.municipality AND e.device = r.device AND e.type = 'wifi.usage'
            AND e.at < r.hour AND e.at >= r.since AND e.position <= $1
            AND coalesce(e.data ->> 'iface', '') = r.iface AND e.data ?| ARRAY['down_bytes_total', 'up_bytes_total']
        ORDER BY e.at DESC, e.id DESC
        LIMIT 1
    ) AS b ON true
),

counted AS (
    SELECT
        g.municipality, g.device, g.hour, g.iface,
        sum(CASE WHEN g.down_total >= g.down_before THEN g.down_total - g.down_before
            WHEN g.down_before IS NOT NULL THEN coalesce(g.down_total, 0) ELSE 0 END) AS down_bytes,
        sum(CASE WHEN g.up_total >= g.up_before THEN g.up_total - g.up_before
            WHEN g.up_before IS NOT NULL THEN coalesce(g.up_total, 0) ELSE 0 END) AS up_bytes,
        max(g.at) AS counter_at,
        max(g.id) FILTER (WHERE g.newest) AS counter_id,
        max(g.down_total) FILTER (WHERE g.newest) AS down_total,
        max(g.up_total) FILTER (WHERE g.newest) AS up_total
    FROM growth AS g
    GROUP BY g.municipality, g.device, g.hour, g.iface
),

radios AS (
    SELECT
        s.municipality, s.device, s.hour, s.iface,
        count(*) FILTER (WHERE s.type = 'wifi.usage') AS samples,
        coalesce(max(s.clients_max), 0) AS clients_max,
        coalesce(sum(s.clients), 0) AS clients_sum,
        count(s.clients) AS clients_n,
        coalesce(sum(s.down_delta) FILTER (WHERE s.down_total IS NULL), 0) AS down_bytes,
        coalesce(sum(s.up_delta) FILTER (WHERE s.up_total IS NULL), 0) AS up_bytes,
        bool_or(s.estimated) AS estimated,
        count(*) FILTER (WHERE s.type = 'kiosk.session') AS kiosk_sessions,
        count(*) FILTER (WHERE s.type = 'kiosk.view') AS kiosk_views
    FROM samples AS s
    GROUP BY s.municipality, s.device, s.hour, s.iface
)

SELECT
    r.municipality, r.device, r.hour, r.iface, r.samples::integer AS samples, r.clients_max::integer AS clients_max,
    r.clients_sum::bigint AS clients_sum, r.clients_n::integer AS clients_n,
    least(r.down_bytes + coalesce(c.down_bytes, 0), 9223372036854775807)::bigint AS down_bytes,
    least(r.up_bytes + coalesce(c.up_bytes, 0), 9223372036854775807)::bigint AS up_bytes,
    r.estimated, r.kiosk_sessions::integer AS kiosk_sessions, r.kiosk_views::integer AS kiosk_views,
    c.counter_at, c.counter_id, c.down_total::bigint AS down_total, c.up_total::bigint AS up_total
FROM radios AS r
LEFT JOIN counted AS c
    ON c.municipality = r.municipality AND c.device = r.device AND c.hour = r.hour AND c.iface = r.iface
ORDER BY r.municipality, r.device, r.hour, r.iface

-- name: keep_hours
-- Write counted hours.
INSERT INTO usage_radio (
    municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes, up_bytes,
    estimated, kiosk_sessions, kiosk_views, counter_at, counter_id, down_total, up_total
)
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::int[],
    $9::bigint[], $10::bigint[], $11::boolean[], $12::int[], $13::int[], $14::timestamptz[], $15::text[],
    $16::bigint[], $17::bigint[]
)

-- name: cursor
-- How far the reading has come in the lane.
SELECT position FROM reading_cursor WHERE reading = $1 AND lane = $2
