-- name: municipalities
-- The municipalities in scope, with their lane and where their town is.
SELECT code, name, lane, seat_lat, seat_lon FROM municipality ORDER BY name

-- name: points
-- The service points in scope that are not closed.
SELECT p.municipality, p.id, p.kind, p.names, l.names AS locality_names, p.status, p.lat, p.lon
FROM service_point AS p
LEFT JOIN locality AS l ON l.municipality = p.municipality AND l.id = p.locality
WHERE p.status <> 'closed'

-- name: devices
-- The devices in scope with their measured state; one that was never heard has none.
SELECT municipality, device, kind, point, lifecycle, state, reason, since, last_sign_at, revision
FROM judged_device_state
WHERE lifecycle <> 'retired'
ORDER BY device

-- name: newest_events
-- The newest events in scope: of each lane so many, of these the newest by time of receipt.
SELECT e.municipality, e.device, e.type, e.at, e.received_at, e.lane, e.position, e.data
FROM unnest($1::smallint[]) AS l (lane)
CROSS JOIN LATERAL (
    SELECT * FROM event AS x WHERE x.lane = l.lane ORDER BY x.position DESC LIMIT $2
) AS e
ORDER BY e.received_at DESC, e.lane, e.position DESC
LIMIT $2

-- name: sums
-- How many devices are in which state, by municipality.
SELECT municipality, state, count(*) AS devices
FROM judged_device_state
WHERE lifecycle = 'active'
GROUP BY municipality, state

-- name: point_counts
-- How many points each municipality has.
SELECT municipality, count(*) AS points FROM service_point WHERE status <> 'closed' GROUP BY municipality

-- name: troubled_points
-- The points at which a device did not work or was out of our sight ($3) at some time from $1 until $2, what is broken
-- still and broke last first. A superset: whether the point itself was, its line says. What we did not see is told of
-- the devices that stand there now.
WITH placed AS MATERIALIZED (
    SELECT s.municipality, s.device, s.point, bool_or(d.id IS NOT NULL) AS here
    FROM placement AS s
    JOIN service_point AS p ON p.municipality = s.municipality AND p.id = s.point
    LEFT JOIN device AS d
        ON d.municipality = s.municipality AND d.id = s.device AND d.point = s.point AND d.lifecycle = 'active'
    WHERE s.in_service AND p.status NOT IN ('closed', 'paused')
    GROUP BY s.municipality, s.device, s.point
)

SELECT
    p.municipality, p.point, bool_or(NOT i.unseen) AS broke,
    min(greatest(i.starts_at, $1)) FILTER (WHERE i.unseen AND p.here) AS unseen_from,
    max(coalesce(i.ends_at, $2)) FILTER (WHERE i.unseen AND p.here) AS unseen_until
FROM placed AS p
-- From the interval that holds at $1, as a value of its own: only so does the key find it under row security, and a year
-- of intervals is not read for the last of them.
CROSS JOIN LATERAL (
    SELECT coalesce(max(b.starts_at), '-infinity') AS starts_at
    FROM status_interval AS b
    WHERE b.municipality = p.municipality AND b.device = p.device AND b.starts_at <= $1
    OFFSET 0
) AS f
CROSS JOIN LATERAL (
    SELECT x.starts_at, x.ends_at, x.reason = $3 AS unseen
    FROM status_interval AS x
    WHERE x.municipality = p.municipality AND x.device = p.device
        AND x.starts_at >= f.starts_at AND x.starts_at < $2 AND (x.ends_at IS NULL OR x.ends_at > $1)
        AND (x.state = 'down' OR x.reason = $3 OR x.reason = ANY ($4))
    OFFSET 0
) AS i
GROUP BY p.municipality, p.point
ORDER BY
    bool_or(NOT i.unseen AND i.ends_at IS NULL) DESC, max(i.starts_at) FILTER (WHERE NOT i.unseen) DESC NULLS LAST,
    p.municipality, p.point
