-- name: counted_until
-- Until which local day the days of a lane are counted.
SELECT counted_until FROM usage_lane WHERE lane = $1

-- name: begin_days
-- Begin to count the days of a lane: all of them that are over, from what there is.
WITH begun AS (
    INSERT INTO usage_lane (lane, counted_until) VALUES ($1, $2)
)

INSERT INTO usage_touched (municipality, device, day)
SELECT u.municipality, u.device, local_day(u.hour) FROM usage_radio AS u WHERE u.hour < day_begins($2)
UNION
SELECT u.municipality, u.device, local_day(u.hour) FROM usage_session AS u WHERE u.hour < day_begins($2)
UNION
SELECT u.municipality, u.device, u.day FROM usage_visitors AS u WHERE u.day < $2
UNION
SELECT u.municipality, u.device, u.day FROM usage_page_day AS u WHERE u.day < $2

-- name: end_days
-- Note that midnight has come, once or several times: every device's day is to be counted.
WITH moved AS (
    UPDATE usage_lane SET counted_until = $2 WHERE lane = $1
)

INSERT INTO usage_touched (municipality, device, day)
SELECT d.municipality, d.id, g.day::date
FROM device AS d
CROSS JOIN generate_series($3::date, $2::date - 1, interval '1 day') AS g (day)
ON CONFLICT DO NOTHING

-- name: forget_everything
-- Drop all days and months of the lane, to begin anew.
WITH lanes AS (
    DELETE FROM usage_lane WHERE lane = $1
),

touched AS (
    DELETE FROM usage_touched
),

days AS (
    DELETE FROM usage_day
),

pages AS (
    DELETE FROM usage_page_month
)

DELETE FROM usage_month

-- name: touch_hours
-- Note that hours have changed whose day has been counted.
INSERT INTO usage_touched (municipality, device, day)
SELECT DISTINCT t.municipality, t.device, local_day(t.hour)
FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t (municipality, device, hour)
WHERE t.hour < (SELECT day_begins(l.counted_until) FROM usage_lane AS l WHERE l.lane = $1)
ON CONFLICT DO NOTHING

-- name: take_touched
-- Take some of the days that are to be counted, in order.
DELETE FROM usage_touched AS u
USING (
    SELECT t.municipality, t.device, t.day
    FROM usage_touched AS t
    ORDER BY t.municipality, t.device, t.day
    LIMIT $1
) AS t
WHERE u.municipality = t.municipality AND u.device = t.device AND u.day = t.day
RETURNING u.municipality, u.device, u.day

-- name: days_to_compare
-- Every day of the lane that is over and of which the hours know something, but for those that are to be counted again.
SELECT k.municipality, k.device, k.day
FROM (
    SELECT u.municipality, u.device, local_day(u.hour) AS day FROM usage_radio AS u
    UNION
    SELECT u.municipality, u.device, local_day(u.hour) FROM usage_session AS u
    UNION
    SELECT u.municipality, u.device, u.day FROM usage_visitors AS u
) AS k
WHERE k.day < (SELECT l.counted_until FROM usage_lane AS l WHERE l.lane = $1)
    AND (k.municipality, k.device, k.day) NOT IN (SELECT t.municipality, t.device, t.day FROM usage_touched AS t)
ORDER BY k.municipality, k.device, k.day

-- name: count_days
-- Count days from their hours (23, 24 or 25 of them), and from what the device counted itself.
WITH days AS MATERIALIZED (
    SELECT t.*, day_begins(t.day) AS begins, day_begins(t.day + 1) AS ends
    FROM unnest($1::text[], $2::text[], $3::date[]) AS t (municipality, device, day)
),

hours AS (
    SELECT
        d.municipality, d.device, d.day, u.hour,
        sum(u.samples) AS samples,
        sum(u.clients_max) AS clients_max,
        sum(u.clients_n) > 0 AS counted,
        round(3600 * sum(coalesce(u.clients_sum::numeric / nullif(u.clients_n, 0), 0))) AS client_seconds,
        sum(u.down_bytes) AS down_bytes,
        sum(u.up_bytes) AS up_bytes,
        bool_or(u.estimated) AS estimated,
        sum(u.kiosk_sessions) AS kiosk_sessions,
        sum(u.kiosk_views) AS kiosk_views
    FROM days AS d
    JOIN usage_radio AS u
        ON u.municipality = d.municipality AND u.device = d.device AND u.hour >= d.begins AND u.hour < d.ends
    GROUP BY d.municipality, d.device, d.day, u.hour
),

carried AS (
    SELECT
        h.municipality, h.device, h.day,
        sum(h.samples) AS samples, max(h.clients_max) AS clients_max, count(*) FILTER (WHERE h.counted) AS client_hours,
        sum(h.client_seconds) AS client_seconds, sum(h.down_bytes) AS down_bytes, sum(h.up_bytes) AS up_bytes,
        bool_or(h.estimated) AS estimated, sum(h.kiosk_sessions) AS kiosk_sessions, sum(h.kiosk_views) AS kiosk_views
    FROM hours AS h
    GROUP BY h.municipality, h.device, h.day
),

ended AS (
    SELECT
        d.municipality, d.device, d.day, sum(u.sessions) AS sessions, sum(u.session_seconds) AS session_seconds
    FROM days AS d
    JOIN usage_session AS u
        ON u.municipality = d.municipality AND u.device = d.device AND u.hour >= d.begins AND u.hour < d.ends
    GROUP BY d.municipality, d.device, d.day
)

SELECT
    d.municipality, d.device, d.day,
    coalesce(c.samples, 0)::integer AS samples,
    least(coalesce(c.clients_max, 0), 2147483647)::integer AS clients_max,
    coalesce(c.client_hours, 0)::integer AS client_hours,
    coalesce(c.client_seconds, 0)::bigint AS client_seconds,
    least(coalesce(c.down_bytes, 0), 9223372036854775807)::bigint AS down_bytes,
    least(coalesce(c.up_bytes, 0), 9223372036854775807)::bigint AS up_bytes,
    coalesce(c.estimated, false) AS estimated,
    coalesce(e.sessions, 0)::integer AS sessions,
    coalesce(e.session_seconds, 0)::bigint AS session_seconds,
    v.visitors, v.coverage AS visitors_coverage,
    coalesce(c.kiosk_sessions, 0)::integer AS kiosk_sessions,
    coalesce(c.kiosk_views, 0)::integer AS kiosk_views
FROM days AS d
LEFT JOIN carried AS c ON c.municipality = d.municipality AND c.device = d.device AND c.day = d.day
LEFT JOIN ended AS e ON e.municipality = d.municipality AND e.device = d.device AND e.day = d.day
LEFT JOIN usage_visitors AS v ON v.municipality = d.municipality AND v.device = d.device AND v.day = d.day
WHERE c.day IS NOT NULL OR e.day IS NOT NULL OR v.day IS NOT NULL

-- name: forget_days
-- Drop days that are about to be written again.
DELETE FROM usage_day AS u
USING unnest($1::text[], $2::text[], $3::date[]) AS t (municipality, device, day)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.day = t.day

-- name: keep_days
-- Write counted days.
INSERT INTO usage_day
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::date[], $4::integer[], $5::integer[], $6::integer[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::boolean[], $11::integer[], $12::bigint[], $13::integer[], $14::integer[], $15::integer[],
    $16::integer[]
)

-- name: days_kept
-- The days as they stand, but for those that are to be counted again.
SELECT u.*
FROM usage_day AS u
WHERE NOT EXISTS (
    SELECT FROM usage_touched AS t
    WHERE t.municipality = u.municipality AND t.device = u.device AND t.day = u.day
)
