-- name: touched_hours
-- The hours that new events can change: their own, and that of the counter reading which follows on the same radio.
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
        AND (e.at, e.id) > (g.at, g.id) AND e.at < g.at + interval '7 days' AND e.position <= $1
        AND coalesce(e.data ->> 'iface', '') = g.iface AND e.data ?| ARRAY['down_bytes_total', 'up_bytes_total']
    ORDER BY e.at, e.id
    LIMIT 1
) AS n
WHERE g.iface IS NOT NULL

-- name: all_hours
-- Every hour of the lane that has something to count.
SELECT DISTINCT e.municipality, e.device, date_trunc('hour', e.at, 'UTC') AS hour
FROM event AS e
WHERE e.lane = $1 AND e.position <= $2 AND e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
ORDER BY e.municipality, e.device, hour

-- name: forget_hours
-- Drop hours that are about to be made again.
DELETE FROM usage_hour AS u
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS t (municipality, device, hour)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.hour = t.hour

-- name: forget_all
-- Drop every hour of the lane.
DELETE FROM usage_hour

-- name: hours_kept
-- The hours as they stand, for comparison.
SELECT
    municipality, device, hour, samples, clients_max, clients_mean, down_bytes, up_bytes, estimated,
    kiosk_sessions, kiosk_views
FROM usage_hour
ORDER BY municipality, device, hour

-- name: count_hours
-- Count hours from the log. Deltas count as they are. Of a counter the growth since the reading before it on the
-- same radio counts, all of it in the later one's hour; a counter that went down had begun again from zero.
WITH hours AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t (municipality, device, hour)
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
    JOIN event AS e
        ON e.municipality = h.municipality AND e.device = h.device
        AND e.at >= h.hour AND e.at < h.hour + interval '1 hour'
    WHERE e.position <= $1 AND e.type IN ('wifi.usage', 'kiosk.session', 'kiosk.view')
),

readings AS (
    SELECT
        s.*,
        lag(s.down_total) OVER radio AS down_before,
        lag(s.up_total) OVER radio AS up_before,
        row_number() OVER radio AS place
    FROM samples AS s
    WHERE s.type = 'wifi.usage' AND (s.down_total IS NOT NULL OR s.up_total IS NOT NULL)
    WINDOW radio AS (PARTITION BY s.municipality, s.device, s.hour, s.iface ORDER BY s.at, s.id)
),

growth AS (
    SELECT
        r.municipality, r.device, r.hour,
        CASE WHEN r.place > 1 THEN r.down_before ELSE b.down_total END AS down_before, r.down_total,
        CASE WHEN r.place > 1 THEN r.up_before ELSE b.up_total END AS up_before, r.up_total
    FROM readings AS r
    LEFT JOIN LATERAL (
        SELECT
            (e.data ->> 'down_bytes_total')::numeric AS down_total,
            (e.data ->> 'up_bytes_total')::numeric AS up_total
        FROM event AS e
        WHERE r.place = 1 AND e.municipality = r.municipality AND e.device = r.device AND e.type = 'wifi.usage'
            AND e.at < r.hour AND e.at >= r.at - interval '7 days' AND e.position <= $1
            AND coalesce(e.data ->> 'iface', '') = r.iface AND e.data ?| ARRAY['down_bytes_total', 'up_bytes_total']
        ORDER BY e.at DESC, e.id DESC
        LIMIT 1
    ) AS b ON true
),

counted AS (
    SELECT
        g.municipality, g.device, g.hour,
        sum(CASE WHEN g.down_total >= g.down_before THEN g.down_total - g.down_before
            WHEN g.down_before IS NOT NULL THEN coalesce(g.down_total, 0) ELSE 0 END) AS down_bytes,
        sum(CASE WHEN g.up_total >= g.up_before THEN g.up_total - g.up_before
            WHEN g.up_before IS NOT NULL THEN coalesce(g.up_total, 0) ELSE 0 END) AS up_bytes
    FROM growth AS g
    GROUP BY g.municipality, g.device, g.hour
),

radios AS (
    SELECT
        s.municipality, s.device, s.hour, s.iface,
        count(*) FILTER (WHERE s.type = 'wifi.usage') AS samples,
        coalesce(max(s.clients_max), 0) AS clients_max,
        coalesce(avg(s.clients), 0) AS clients_mean,
        coalesce(sum(s.down_delta) FILTER (WHERE s.down_total IS NULL), 0) AS down_bytes,
        coalesce(sum(s.up_delta) FILTER (WHERE s.up_total IS NULL), 0) AS up_bytes,
        bool_or(s.estimated) AS estimated,
        count(*) FILTER (WHERE s.type = 'kiosk.session') AS kiosk_sessions,
        count(*) FILTER (WHERE s.type = 'kiosk.view') AS kiosk_views
    FROM samples AS s
    GROUP BY s.municipality, s.device, s.hour, s.iface
)

SELECT
    r.municipality, r.device, r.hour,
    sum(r.samples)::integer AS samples,
    least(sum(r.clients_max), 2147483647)::integer AS clients_max,
    round(sum(r.clients_mean), 3)::double precision AS clients_mean,
    least(sum(r.down_bytes) + coalesce(max(c.down_bytes), 0), 9223372036854775807)::bigint AS down_bytes,
    least(sum(r.up_bytes) + coalesce(max(c.up_bytes), 0), 9223372036854775807)::bigint AS up_bytes,
    bool_or(r.estimated) AS estimated,
    sum(r.kiosk_sessions)::integer AS kiosk_sessions,
    sum(r.kiosk_views)::integer AS kiosk_views
FROM radios AS r
LEFT JOIN counted AS c ON c.municipality = r.municipality AND c.device = r.device AND c.hour = r.hour
GROUP BY r.municipality, r.device, r.hour
ORDER BY r.municipality, r.device, r.hour

-- name: keep_hours
-- Write counted hours.
INSERT INTO usage_hour (
    municipality, device, hour, samples, clients_max, clients_mean, down_bytes, up_bytes, estimated,
    kiosk_sessions, kiosk_views
)
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::int[], $6::float8[], $7::bigint[], $8::bigint[],
    $9::boolean[], $10::int[], $11::int[]
)

-- name: cursor
-- How far the reading has come in the lane.
SELECT position FROM reading_cursor WHERE reading = $1 AND lane = $2
