-- name: add
-- Add a stretch of the log: sessions to their hours, views to their days, and what devices counted of a day, of which the
-- newest report counts. A report is about a day that it can know: the event's own local day, or one of the 31 before.
WITH fresh AS MATERIALIZED (
    SELECT
        e.municipality, e.device, e.at, e.id, e.type, e.data,
        CASE WHEN e.type = 'wifi.visitors' THEN (e.data ->> 'day')::date ELSE local_day(e.at) END AS day
    FROM event AS e
    WHERE e.lane = $1 AND e.position > $2 AND e.position <= $3
        AND e.type IN ('wifi.session_end', 'wifi.visitors', 'kiosk.view')
),

known AS (
    SELECT f.*
    FROM fresh AS f
    WHERE CASE f.type
        WHEN 'wifi.session_end' THEN f.data ? 'duration_s'
        WHEN 'wifi.visitors' THEN f.day BETWEEN local_day(f.at) - 31 AND local_day(f.at)
        ELSE true
    END
),

sessions AS (
    INSERT INTO usage_session AS u (municipality, device, hour, sessions, session_seconds)
    SELECT
        k.municipality, k.device, date_trunc('hour', k.at, 'UTC'), count(*), sum((k.data ->> 'duration_s')::bigint)
    FROM known AS k
    WHERE k.type = 'wifi.session_end'
    GROUP BY 1, 2, 3
    ON CONFLICT (municipality, device, hour) DO UPDATE SET
        sessions = u.sessions + excluded.sessions,
        session_seconds = u.session_seconds + excluded.session_seconds
),

visitors AS (
    INSERT INTO usage_visitors AS u (municipality, device, day, visitors, coverage, reported_at, reported_id)
    SELECT DISTINCT ON (k.municipality, k.device, k.day)
        k.municipality, k.device, k.day, (k.data ->> 'distinct')::integer,
        floor((k.data ->> 'coverage_pct')::numeric * 100)::integer, k.at, k.id
    FROM known AS k
    WHERE k.type = 'wifi.visitors'
    ORDER BY k.municipality, k.device, k.day, k.at DESC, k.id COLLATE "C" DESC
    ON CONFLICT (municipality, device, day) DO UPDATE SET
        visitors = excluded.visitors,
        coverage = excluded.coverage,
        reported_at = excluded.reported_at,
        reported_id = excluded.reported_id
    WHERE (excluded.reported_at, excluded.reported_id COLLATE "C") > (u.reported_at, u.reported_id)
),

pages AS (
    INSERT INTO usage_page_day AS u (municipality, device, day, page, lang, views)
    SELECT k.municipality, k.device, k.day, k.data ->> 'page', coalesce(k.data ->> 'lang', ''), count(*)
    FROM known AS k
    WHERE k.type = 'kiosk.view'
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (municipality, device, day, page, lang) DO UPDATE SET views = u.views + excluded.views
)

INSERT INTO usage_touched (municipality, device, day)
SELECT DISTINCT k.municipality, k.device, k.day
FROM known AS k
WHERE k.day < (SELECT l.counted_until FROM usage_lane AS l WHERE l.lane = $1)
ON CONFLICT DO NOTHING

-- name: sessions_counted
-- Sessions by hour from the log, where it still has all of the hour: what a session said is erased after 48 hours.
SELECT s.municipality, s.device, s.hour, s.sessions, s.session_seconds
FROM (
    SELECT
        e.municipality, e.device, date_trunc('hour', e.at, 'UTC') AS hour, count(*)::integer AS sessions,
        sum((e.data ->> 'duration_s')::bigint)::bigint AS session_seconds, bool_and(e.data ? 'duration_s') AS whole
    FROM event AS e
    WHERE e.lane = $1 AND e.position <= $2 AND e.type = 'wifi.session_end'
    GROUP BY 1, 2, 3
) AS s
WHERE s.whole AND s.hour >= log_whole_from(s.municipality)

-- name: sessions_kept
-- The same as they stand.
SELECT u.*
FROM usage_session AS u
WHERE u.hour >= log_whole_from(u.municipality) AND (u.municipality, u.device, u.hour) NOT IN (
    SELECT e.municipality, e.device, date_trunc('hour', e.at, 'UTC')
    FROM event AS e
    WHERE e.lane = $1 AND e.position <= $2 AND e.type = 'wifi.session_end' AND NOT e.data ? 'duration_s'
)

-- name: forget_sessions
-- Drop sessions that are about to be counted again.
DELETE FROM usage_session AS u
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS t (municipality, device, hour)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.hour = t.hour

-- name: keep_sessions
-- Write counted sessions.
INSERT INTO usage_session (municipality, device, hour, sessions, session_seconds)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::bigint[])

-- name: visitors_counted
-- What devices counted of their days, from the log, where it still has all reports of the day.
SELECT DISTINCT ON (e.municipality, e.device, d.day)
    e.municipality, e.device, d.day, (e.data ->> 'distinct')::integer AS visitors,
    floor((e.data ->> 'coverage_pct')::numeric * 100)::integer AS coverage, e.at AS reported_at, e.id AS reported_id
FROM event AS e
CROSS JOIN LATERAL (SELECT (e.data ->> 'day')::date) AS d (day)
WHERE e.lane = $1 AND e.position <= $2 AND e.type = 'wifi.visitors'
    AND d.day BETWEEN local_day(e.at) - 31 AND local_day(e.at)
    AND day_begins(d.day) >= log_whole_from(e.municipality)
ORDER BY e.municipality, e.device, d.day, e.at DESC, e.id COLLATE "C" DESC

-- name: visitors_kept
-- The same as they stand.
SELECT u.*
FROM usage_visitors AS u
WHERE day_begins(u.day) >= log_whole_from(u.municipality) AND $1::smallint IS NOT NULL AND $2::bigint IS NOT NULL

-- name: forget_visitors
-- Drop counts of visitors that are about to be read again.
DELETE FROM usage_visitors AS u
USING unnest($1::text[], $2::text[], $3::date[]) AS t (municipality, device, day)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.day = t.day

-- name: keep_visitors
-- Write counts of visitors.
INSERT INTO usage_visitors (municipality, device, day, visitors, coverage, reported_at, reported_id)
SELECT *
FROM unnest($1::text[], $2::text[], $3::date[], $4::integer[], $5::integer[], $6::timestamptz[], $7::text[])

-- name: pages_counted
-- Views by page, language and local day from the log, where it still has all of the day.
SELECT
    e.municipality, e.device, local_day(e.at) AS day, e.data ->> 'page' AS page, coalesce(e.data ->> 'lang', '') AS lang,
    count(*)::integer AS views
FROM event AS e
WHERE e.lane = $1 AND e.position <= $2 AND e.type = 'kiosk.view'
    AND day_begins(local_day(e.at)) >= log_whole_from(e.municipality)
GROUP BY 1, 2, 3, 4, 5

-- name: pages_kept
-- The same as they stand.
SELECT u.*
FROM usage_page_day AS u
WHERE day_begins(u.day) >= log_whole_from(u.municipality) AND $1::smallint IS NOT NULL AND $2::bigint IS NOT NULL

-- name: forget_pages
-- Drop views that are about to be counted again.
DELETE FROM usage_page_day AS u
USING unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[]) AS t (municipality, device, day, page, lang)
WHERE u.municipality = t.municipality AND u.device = t.device AND u.day = t.day AND u.page = t.page
    AND u.lang = t.lang

-- name: keep_pages
-- Write counted views.
INSERT INTO usage_page_day (municipality, device, day, page, lang, views)
SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[], $6::integer[])
