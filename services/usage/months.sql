-- name: count_months
-- Add the days of months up; `few` are one to four.
SELECT
    d.municipality, d.device, t.month,
    count(*)::integer AS days,
    sum(d.samples)::bigint AS samples,
    max(d.clients_max)::integer AS clients_max,
    sum(d.client_hours)::bigint AS client_hours,
    sum(d.client_seconds)::bigint AS client_seconds,
    least(sum(d.down_bytes), 9223372036854775807)::bigint AS down_bytes,
    least(sum(d.up_bytes), 9223372036854775807)::bigint AS up_bytes,
    bool_or(d.estimated) AS estimated,
    sum(d.sessions)::bigint AS sessions,
    coalesce(sum(d.sessions) FILTER (WHERE d.sessions BETWEEN 1 AND 4), 0)::bigint AS sessions_few,
    count(*) FILTER (WHERE d.sessions BETWEEN 1 AND 4)::integer AS sessions_few_days,
    sum(d.session_seconds)::bigint AS session_seconds,
    coalesce(sum(d.visitors), 0)::bigint AS visitors,
    coalesce(sum(d.visitors) FILTER (WHERE d.visitors BETWEEN 1 AND 4), 0)::bigint AS visitors_few,
    count(*) FILTER (WHERE d.visitors BETWEEN 1 AND 4)::integer AS visitors_few_days,
    count(d.visitors)::integer AS visitors_days,
    coalesce(sum(d.visitors_coverage), 0)::bigint AS visitors_coverage,
    sum(d.kiosk_sessions)::bigint AS kiosk_sessions,
    coalesce(sum(d.kiosk_sessions) FILTER (WHERE d.kiosk_sessions BETWEEN 1 AND 4), 0)::bigint AS kiosk_sessions_few,
    count(*) FILTER (WHERE d.kiosk_sessions BETWEEN 1 AND 4)::integer AS kiosk_sessions_few_days,
    sum(d.kiosk_views)::bigint AS kiosk_views
FROM (
    SELECT m.*, (m.month + interval '1 month')::date AS ends
    FROM unnest($1::text[], $2::text[], $3::date[]) AS m (municipality, device, month)
    OFFSET 0
) AS t
JOIN usage_day AS d
    ON d.municipality = t.municipality AND d.device = t.device AND d.day >= t.month AND d.day < t.ends
GROUP BY d.municipality, d.device, t.month

-- name: forget_months
-- Drop months that are about to be written again.
DELETE FROM usage_month AS u
USING unnest($1::text[], $2::text[], $3::date[]) AS t (municipality, device, month)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.month = t.month

-- name: keep_months
-- Write counted months.
INSERT INTO usage_month
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::date[], $4::integer[], $5::bigint[], $6::integer[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[], $14::integer[], $15::bigint[],
    $16::bigint[], $17::bigint[], $18::integer[], $19::integer[], $20::bigint[], $21::bigint[], $22::bigint[],
    $23::integer[], $24::bigint[]
)

-- name: months_to_compare
-- The months of all counted days, but for those with a day that is to be counted again.
SELECT DISTINCT d.municipality, d.device, date_trunc('month', d.day)::date AS month
FROM usage_day AS d
WHERE (d.municipality, d.device, date_trunc('month', d.day)::date) NOT IN (
    SELECT t.municipality, t.device, date_trunc('month', t.day)::date FROM usage_touched AS t
)

-- name: months_kept
-- The months as they stand, likewise.
SELECT u.*
FROM usage_month AS u
WHERE (u.municipality, u.device, u.month) NOT IN (
    SELECT t.municipality, t.device, date_trunc('month', t.day)::date FROM usage_touched AS t
)

-- name: count_page_months
-- Add the days of months up, by page and language, as far as they are over.
SELECT d.municipality, d.device, t.month, d.page, d.lang, sum(d.views)::integer AS views
FROM (
    SELECT m.*, least((m.month + interval '1 month')::date, l.counted_until) AS ends
    FROM unnest($2::text[], $3::text[], $4::date[]) AS m (municipality, device, month)
    JOIN usage_lane AS l ON l.lane = $1
    OFFSET 0
) AS t
JOIN usage_page_day AS d
    ON d.municipality = t.municipality AND d.device = t.device AND d.day >= t.month AND d.day < t.ends
GROUP BY d.municipality, d.device, t.month, d.page, d.lang

-- name: forget_page_months
-- Drop months that are about to be written again.
DELETE FROM usage_page_month AS u
USING unnest($1::text[], $2::text[], $3::date[]) AS t (municipality, device, month)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.month = t.month

-- name: keep_page_months
-- Write counted months.
INSERT INTO usage_page_month (municipality, device, month, page, lang, views)
SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[], $6::integer[])

-- name: page_months_to_compare
-- The months of all views, but for those with a day that is to be counted again.
SELECT DISTINCT d.municipality, d.device, date_trunc('month', d.day)::date AS month
FROM usage_page_day AS d
WHERE (d.municipality, d.device, date_trunc('month', d.day)::date) NOT IN (
    SELECT t.municipality, t.device, date_trunc('month', t.day)::date FROM usage_touched AS t
)

-- name: page_months_kept
-- The months as they stand, likewise.
SELECT u.*
FROM usage_page_month AS u
WHERE (u.municipality, u.device, u.month) NOT IN (
    SELECT t.municipality, t.device, date_trunc('month', t.day)::date FROM usage_touched AS t
)
