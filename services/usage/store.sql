-- name: usage_of
-- Use of each subject ($3: device, point or municipality) in a stretch of local days, as far as they are counted: by the
-- month where a device stood in one place for all of it, by the day at the edges. A day belongs to where its end saw it.
-- The running month holds the days that are counted: a stretch that goes as far needs no days at that edge.
WITH stretches AS (
    SELECT
        p.municipality, p.device, p.point, p.kind = 'hotspot' AND p.in_service AS awaited,
        l.counted_until,
        greatest($1::date, local_day(p.since)) AS begins,
        least($2::date, l.counted_until, local_day(coalesce(
            lead(p.since) OVER (PARTITION BY p.municipality, p.device ORDER BY p.since), 'infinity'
        ))) AS ends
    FROM placement AS p
    JOIN municipality AS m ON m.code = p.municipality
    JOIN usage_lane AS l ON l.lane = m.lane
    WHERE ($4::text[] IS NULL OR p.municipality = ANY ($4)) AND ($6::text[] IS NULL OR p.device = ANY ($6))
),

stays AS MATERIALIZED (
    SELECT
        s.municipality, s.device, s.awaited, s.begins, s.ends,
        CASE $3::text WHEN 'device' THEN s.device WHEN 'point' THEN s.point ELSE s.municipality END AS subject,
        (date_trunc('month', s.begins - 1) + interval '1 month')::date AS from_month,
        CASE WHEN s.ends = s.counted_until THEN (date_trunc('month', s.ends - 1) + interval '1 month')::date
            ELSE date_trunc('month', s.ends)::date
        END AS to_month
    FROM stretches AS s
    WHERE s.begins < s.ends AND ($5::text[] IS NULL OR s.point = ANY ($5))
),

edges AS MATERIALIZED (
    SELECT s.municipality, s.device, s.subject, e.begins, e.ends
    FROM stays AS s
    CROSS JOIN LATERAL (
        SELECT s.begins, CASE WHEN s.from_month < s.to_month THEN s.from_month ELSE s.ends END AS ends
        UNION ALL
        SELECT s.to_month, s.ends WHERE s.from_month < s.to_month
    ) AS e
    WHERE e.begins < e.ends
),

-- Each stay is added up by itself, in the order of the key: sorting all of it would take longer than reading it.
pieces AS (
    SELECT s.municipality, s.subject, t.*
    FROM stays AS s
    CROSS JOIN LATERAL (
        SELECT
            max(u.clients_max) AS clients_max, sum(u.client_hours) AS client_hours,
            sum(u.client_seconds) AS client_seconds, sum(u.down_bytes) AS down_bytes, sum(u.up_bytes) AS up_bytes,
            bool_or(u.estimated) AS estimated, sum(u.sessions) AS sessions, sum(u.sessions_few) AS sessions_few,
            sum(u.sessions_few_days) AS sessions_few_days, sum(u.session_seconds) AS session_seconds,
            sum(u.visitors) AS visitors, sum(u.visitors_few) AS visitors_few,
            sum(u.visitors_few_days) AS visitors_few_days, sum(u.visitors_days) AS visitors_days,
            sum(u.visitors_coverage) AS visitors_coverage, sum(u.kiosk_sessions) AS kiosk_sessions,
            sum(u.kiosk_sessions_few) AS kiosk_sessions_few, sum(u.kiosk_sessions_few_days) AS kiosk_sessions_few_days,
            sum(u.kiosk_views) AS kiosk_views
        FROM usage_month AS u
        WHERE u.municipality = s.municipality AND u.device = s.device AND u.month >= s.from_month
            AND u.month < s.to_month
    ) AS t
    WHERE t.clients_max IS NOT NULL
    UNION ALL
    SELECT e.municipality, e.subject, t.*
    FROM edges AS e
    CROSS JOIN LATERAL (
        SELECT
            max(u.clients_max) AS clients_max, sum(u.client_hours), sum(u.client_seconds), sum(u.down_bytes),
            sum(u.up_bytes), bool_or(u.estimated), sum(u.sessions),
            coalesce(sum(u.sessions) FILTER (WHERE u.sessions BETWEEN 1 AND 4), 0),
            count(*) FILTER (WHERE u.sessions BETWEEN 1 AND 4),
            sum(u.session_seconds), coalesce(sum(u.visitors), 0),
            coalesce(sum(u.visitors) FILTER (WHERE u.visitors BETWEEN 1 AND 4), 0),
            count(*) FILTER (WHERE u.visitors BETWEEN 1 AND 4),
            count(u.visitors), coalesce(sum(u.visitors_coverage), 0), sum(u.kiosk_sessions),
            coalesce(sum(u.kiosk_sessions) FILTER (WHERE u.kiosk_sessions BETWEEN 1 AND 4), 0),
            count(*) FILTER (WHERE u.kiosk_sessions BETWEEN 1 AND 4),
            sum(u.kiosk_views)
        FROM usage_day AS u
        WHERE u.municipality = e.municipality AND u.device = e.device AND u.day >= e.begins AND u.day < e.ends
    ) AS t
    WHERE t.clients_max IS NOT NULL
),

-- A hotspot is expected to tell its visitors from the first day on which anything is known of it.
expected AS (
    SELECT s.municipality, s.subject, sum(greatest(0, s.ends - greatest(s.begins, f.day)))::bigint AS device_days
    FROM stays AS s
    CROSS JOIN LATERAL (
        SELECT d.day
        FROM usage_day AS d
        WHERE d.municipality = s.municipality AND d.device = s.device
        ORDER BY d.day
        LIMIT 1
    ) AS f
    WHERE s.awaited AND s.subject IS NOT NULL
    GROUP BY s.municipality, s.subject
),

used AS (
    SELECT
        p.municipality, p.subject,
        max(p.clients_max) AS clients_max,
        sum(p.client_hours)::bigint AS client_hours,
        sum(p.client_seconds)::bigint AS client_seconds,
        least(sum(p.down_bytes), 9223372036854775807)::bigint AS down_bytes,
        least(sum(p.up_bytes), 9223372036854775807)::bigint AS up_bytes,
        bool_or(p.estimated) AS estimated,
        sum(p.sessions)::bigint AS sessions,
        sum(p.sessions_few)::bigint AS sessions_few,
        sum(p.sessions_few_days)::bigint AS sessions_few_days,
        sum(p.session_seconds)::bigint AS session_seconds,
        sum(p.visitors)::bigint AS visitors,
        sum(p.visitors_few)::bigint AS visitors_few,
        sum(p.visitors_few_days)::bigint AS visitors_few_days,
        sum(p.visitors_days)::bigint AS visitors_days,
        sum(p.visitors_coverage)::bigint AS visitors_coverage,
        sum(p.kiosk_sessions)::bigint AS kiosk_sessions,
        sum(p.kiosk_sessions_few)::bigint AS kiosk_sessions_few,
        sum(p.kiosk_sessions_few_days)::bigint AS kiosk_sessions_few_days,
        sum(p.kiosk_views)::bigint AS kiosk_views
    FROM pieces AS p
    WHERE p.subject IS NOT NULL
    GROUP BY p.municipality, p.subject
)

SELECT u.*, coalesce(e.device_days, 0) AS visitors_expected
FROM used AS u
LEFT JOIN expected AS e ON e.municipality = u.municipality AND e.subject = u.subject
ORDER BY u.municipality, u.subject

-- name: counted_until
-- Until which local day (not included) the days of each municipality are counted.
SELECT m.code AS municipality, l.counted_until
FROM municipality AS m
JOIN usage_lane AS l ON l.lane = m.lane
WHERE $1::text[] IS NULL OR m.code = ANY ($1)
ORDER BY m.code

-- name: hours_of
-- Use of each subject ($3) by the hour (UTC) between two instants, today's too; an hour belongs to where its beginning
-- saw the device. For staff: hours are finer than anything that is published.
WITH stays AS MATERIALIZED (
    SELECT s.*, CASE $3::text WHEN 'device' THEN s.device WHEN 'point' THEN s.point ELSE s.municipality END AS subject
    FROM (
        SELECT
            p.municipality, p.device, p.point, greatest($1::timestamptz, p.since) AS begins,
            least($2::timestamptz, coalesce(
                lead(p.since) OVER (PARTITION BY p.municipality, p.device ORDER BY p.since), 'infinity'
            )) AS ends
        FROM placement AS p
        WHERE ($4::text[] IS NULL OR p.municipality = ANY ($4)) AND ($6::text[] IS NULL OR p.device = ANY ($6))
    ) AS s
    WHERE s.begins < s.ends AND ($5::text[] IS NULL OR s.point = ANY ($5))
),

devices AS (
    SELECT
        s.municipality, s.subject, u.hour,
        sum(u.clients_max) AS clients_max,
        round(3600 * sum(coalesce(u.clients_sum::numeric / nullif(u.clients_n, 0), 0))) AS client_seconds,
        (sum(u.clients_n) > 0)::integer AS client_hours,
        sum(u.down_bytes) AS down_bytes, sum(u.up_bytes) AS up_bytes, bool_or(u.estimated) AS estimated,
        0 AS sessions, 0 AS session_seconds,
        sum(u.kiosk_sessions) AS kiosk_sessions, sum(u.kiosk_views) AS kiosk_views
    FROM stays AS s
    JOIN usage_radio AS u
        ON u.municipality = s.municipality AND u.device = s.device AND u.hour >= s.begins AND u.hour < s.ends
    GROUP BY s.municipality, s.subject, s.device, u.hour
    UNION ALL
    SELECT s.municipality, s.subject, u.hour, 0, 0, 0, 0, 0, false, u.sessions, u.session_seconds, 0, 0
    FROM stays AS s
    JOIN usage_session AS u
        ON u.municipality = s.municipality AND u.device = s.device AND u.hour >= s.begins AND u.hour < s.ends
)

SELECT
    d.municipality, d.subject, d.hour,
    least(max(d.clients_max), 2147483647)::integer AS clients_max,
    sum(d.client_hours)::integer AS client_hours, sum(d.client_seconds)::bigint AS client_seconds,
    least(sum(d.down_bytes), 9223372036854775807)::bigint AS down_bytes,
    least(sum(d.up_bytes), 9223372036854775807)::bigint AS up_bytes,
    bool_or(d.estimated) AS estimated,
    sum(d.sessions)::integer AS sessions, sum(d.session_seconds)::bigint AS session_seconds,
    sum(d.kiosk_sessions)::integer AS kiosk_sessions, sum(d.kiosk_views)::integer AS kiosk_views
FROM devices AS d
WHERE d.subject IS NOT NULL
GROUP BY d.municipality, d.subject, d.hour
ORDER BY d.municipality, d.subject, d.hour

-- name: pages_of
-- Views of each subject ($3) by page and language in a stretch of local days: whole months, and single days at the edges.
WITH stays AS MATERIALIZED (
    SELECT
        s.*, CASE $3::text WHEN 'device' THEN s.device WHEN 'point' THEN s.point ELSE s.municipality END AS subject,
        (date_trunc('month', s.begins - 1) + interval '1 month')::date AS from_month,
        CASE WHEN s.ends = s.counted_until THEN (date_trunc('month', s.ends - 1) + interval '1 month')::date
            ELSE date_trunc('month', s.ends)::date
        END AS to_month
    FROM (
        SELECT
            p.municipality, p.device, p.point, l.counted_until, greatest($1::date, local_day(p.since)) AS begins,
            least($2::date, l.counted_until, local_day(coalesce(
                lead(p.since) OVER (PARTITION BY p.municipality, p.device ORDER BY p.since), 'infinity'
            ))) AS ends
        FROM placement AS p
        JOIN municipality AS m ON m.code = p.municipality
        JOIN usage_lane AS l ON l.lane = m.lane
        WHERE ($4::text[] IS NULL OR p.municipality = ANY ($4)) AND ($6::text[] IS NULL OR p.device = ANY ($6))
    ) AS s
    WHERE s.begins < s.ends AND ($5::text[] IS NULL OR s.point = ANY ($5))
),

pieces AS (
    SELECT s.municipality, s.subject, u.page, u.lang, u.views
    FROM stays AS s
    JOIN usage_page_month AS u
        ON u.municipality = s.municipality AND u.device = s.device AND u.month >= s.from_month AND u.month < s.to_month
    UNION ALL
    SELECT s.municipality, s.subject, u.page, u.lang, u.views
    FROM stays AS s
    CROSS JOIN LATERAL (
        SELECT s.begins, CASE WHEN s.from_month < s.to_month THEN s.from_month ELSE s.ends END AS ends
        UNION ALL
        SELECT s.to_month, s.ends WHERE s.from_month < s.to_month
    ) AS e
    JOIN usage_page_day AS u
        ON u.municipality = s.municipality AND u.device = s.device AND u.day >= e.begins AND u.day < e.ends
)

SELECT p.municipality, p.subject, p.page, p.lang, sum(p.views)::bigint AS views
FROM pieces AS p
WHERE p.subject IS NOT NULL
GROUP BY p.municipality, p.subject, p.page, p.lang
ORDER BY p.municipality, p.subject, p.page, p.lang

-- name: published_pages_of
-- The same by whole local months that are over: each month of a device belongs to where its end saw it, and is one cell
-- of what is published.
WITH stays AS MATERIALIZED (
    SELECT s.*, CASE $3::text WHEN 'device' THEN s.device WHEN 'point' THEN s.point ELSE s.municipality END AS subject
    FROM (
        SELECT
            p.municipality, p.device, p.point,
            greatest($1::date, date_trunc('month', local_day(p.since))::date) AS begins,
            least($2::date, date_trunc('month', l.counted_until)::date, date_trunc('month', local_day(coalesce(
                lead(p.since) OVER (PARTITION BY p.municipality, p.device ORDER BY p.since), 'infinity'
            )))::date) AS ends
        FROM placement AS p
        JOIN municipality AS m ON m.code = p.municipality
        JOIN usage_lane AS l ON l.lane = m.lane
        WHERE ($4::text[] IS NULL OR p.municipality = ANY ($4)) AND ($6::text[] IS NULL OR p.device = ANY ($6))
    ) AS s
    WHERE s.begins < s.ends AND ($5::text[] IS NULL OR s.point = ANY ($5))
)

SELECT
    s.municipality, s.subject, u.page, u.lang, sum(u.views)::bigint AS views,
    coalesce(sum(u.views) FILTER (WHERE u.views BETWEEN 1 AND 4), 0)::bigint AS views_few,
    count(*) FILTER (WHERE u.views BETWEEN 1 AND 4) AS views_few_cells
FROM stays AS s
JOIN usage_page_month AS u
    ON u.municipality = s.municipality AND u.device = s.device AND u.month >= s.begins AND u.month < s.ends
WHERE s.subject IS NOT NULL
GROUP BY s.municipality, s.subject, u.page, u.lang
ORDER BY s.municipality, s.subject, u.page, u.lang
