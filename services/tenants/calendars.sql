-- name: has_municipality
-- Whether a municipality is in scope.
SELECT EXISTS (SELECT FROM municipality WHERE code = $1)

-- name: has_point
-- Whether a municipality has a service point.
SELECT EXISTS (SELECT FROM service_point WHERE municipality = $1 AND id = $2)

-- name: has_device
-- Whether a municipality has a device.
SELECT EXISTS (SELECT FROM device WHERE municipality = $1 AND id = $2)

-- name: plan
-- Write planned work down.
INSERT INTO maintenance (municipality, point, device, starts, ends, rule, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id

-- name: every
-- All work of the municipalities in scope that was ever planned, the latest beginning first.
SELECT id, municipality, point, device, starts, ends, rule, reason, created_at, cancelled_at
FROM maintenance
ORDER BY starts DESC, id

-- name: one
-- One planned work.
SELECT id, municipality, point, device, starts, ends, rule, reason, created_at, cancelled_at
FROM maintenance
WHERE id = $1
FOR UPDATE

-- name: cancel
-- Let planned work hold no longer than until an instant.
UPDATE maintenance SET cancelled_at = $2 WHERE id = $1

-- name: drop_exceptions
-- Take away the exceptions of points that are no longer named.
DELETE FROM hours_exception AS e
USING unnest($1::text[], $2::text[]) AS p (municipality, point)
WHERE e.municipality = p.municipality AND e.point = p.point AND NOT EXISTS (
    SELECT FROM unnest($3::text[], $4::text[], $5::date[]) AS k (municipality, point, day)
    WHERE k.municipality = e.municipality AND k.point = e.point AND k.day = e.day
)

-- name: put_exceptions
-- Register exceptions, or correct them; what stands as it stood is left alone.
INSERT INTO hours_exception AS e (municipality, point, day, opening_hours, reason)
SELECT n.municipality, n.point, n.day, n.opening_hours, n.reason
FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::jsonb[])
    AS n (municipality, point, day, opening_hours, reason)
ON CONFLICT (municipality, point, day) DO UPDATE
SET opening_hours = excluded.opening_hours, reason = excluded.reason
WHERE (e.opening_hours, e.reason) IS DISTINCT FROM (excluded.opening_hours, excluded.reason)

-- name: terms
-- Which hours and status held when within a window, for all points or for those asked for; the first for all before.
SELECT t.municipality, t.point, greatest(t.since, $1::timestamptz) AS since, least(t.until, $2::timestamptz) AS until,
    t.opening_hours, t.status
FROM (
    SELECT h.municipality, h.point, h.opening_hours, h.status,
        CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE h.since END AS since,
        lead(h.since, 1, 'infinity') OVER w AS until
    FROM point_hours AS h
    WHERE ($3::text[] IS NULL AND $4::text[] IS NULL) OR h.point = ANY($3)
        OR EXISTS (
            SELECT FROM placement AS p
            WHERE p.municipality = h.municipality AND p.point = h.point AND p.device = ANY($4)
        )
    WINDOW w AS (PARTITION BY h.municipality, h.point ORDER BY h.since)
) AS t
WHERE t.since < $2 AND t.until > $1
ORDER BY t.municipality, t.point, t.since

-- name: placements
-- Where devices stood when within a window: all, those asked for, or what stood at the points asked for.
SELECT t.municipality, t.device, greatest(t.since, $1::timestamptz) AS since, least(t.until, $2::timestamptz) AS until,
    t.point, t.kind, t.in_service
FROM (
    SELECT p.municipality, p.device, p.point, p.kind, p.in_service,
        CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE p.since END AS since,
        lead(p.since, 1, 'infinity') OVER w AS until
    FROM placement AS p
    WINDOW w AS (PARTITION BY p.municipality, p.device ORDER BY p.since)
) AS t
WHERE t.since < $2 AND t.until > $1
    AND (($3::text[] IS NULL AND $4::text[] IS NULL) OR t.point = ANY($3) OR t.device = ANY($4))
ORDER BY t.municipality, t.device, t.since

-- name: exceptions
-- The exceptions of days, for all points or for those asked for, or at which the devices asked for stood.
SELECT e.municipality, e.point, e.day, e.opening_hours
FROM hours_exception AS e
WHERE e.day BETWEEN $1 AND $2 AND (
    ($3::text[] IS NULL AND $4::text[] IS NULL) OR e.point = ANY($3)
    OR EXISTS (
        SELECT FROM placement AS p
        WHERE p.municipality = e.municipality AND p.point = e.point AND p.device = ANY($4)
    )
)

-- name: planned
-- Work that may lie in a window of local days.
SELECT id, municipality, point, device, starts, ends, rule, reason, created_at, cancelled_at
FROM maintenance
WHERE starts < $2::date + 2 AND (rule IS NOT NULL OR ends > $1::date - 1)
