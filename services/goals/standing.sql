-- name: statuses
-- Which status each point had when, within a window; the first holds for all time before it.
SELECT t.municipality, t.point, greatest(t.since, $1::timestamptz) AS since, least(t.until, $2::timestamptz) AS until,
    t.status
FROM (
    SELECT h.municipality, h.point, h.status,
        CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE h.since END AS since,
        lead(h.since, 1, 'infinity') OVER w AS until
    FROM point_hours AS h
    WINDOW w AS (PARTITION BY h.municipality, h.point ORDER BY h.since)
) AS t
WHERE t.since < $2 AND t.until > $1
ORDER BY t.municipality, t.point, t.since

-- name: offers
-- What each point offered when, within a window; the first holds for all time before it.
SELECT t.municipality, t.point, p.kind, greatest(t.since, $1::timestamptz) AS since,
    least(t.until, $2::timestamptz) AS until, t.services
FROM (
    SELECT s.municipality, s.point, s.services,
        CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE s.since END AS since,
        lead(s.since, 1, 'infinity') OVER w AS until
    FROM point_services AS s
    WINDOW w AS (PARTITION BY s.municipality, s.point ORDER BY s.since)
) AS t
JOIN service_point AS p ON p.municipality = t.municipality AND p.id = t.point
WHERE t.since < $2 AND t.until > $1
ORDER BY t.municipality, t.point, t.since

-- name: awaited
-- Points where a hotspot is, or was, to be in service, and since which local day; not those it left before a moment.
SELECT p.municipality, p.point,
    min(greatest(p.since, d.registered_at) AT TIME ZONE 'Europe/Stockholm')::date AS since
FROM placement AS p
JOIN device AS d ON d.municipality = p.municipality AND d.id = p.device
WHERE p.kind = 'hotspot' AND p.in_service AND p.point IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM placement AS n
        WHERE n.municipality = p.municipality AND n.device = p.device AND n.since > p.since
            AND n.since <= $1 AND n.point IS DISTINCT FROM p.point
    )
GROUP BY p.municipality, p.point
