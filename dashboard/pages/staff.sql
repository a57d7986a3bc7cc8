-- name: municipalities
-- The municipalities in scope, with their lane.
SELECT code, name, lane FROM municipality ORDER BY name

-- name: points
-- The service points in scope that are not closed.
SELECT p.municipality, p.id, p.kind, p.names, l.names AS locality_names, p.status
FROM service_point AS p
LEFT JOIN locality AS l ON l.municipality = p.municipality AND l.id = p.locality
WHERE p.status <> 'closed'

-- name: devices
-- The devices in scope with their measured state; one that was never heard has none.
SELECT
    d.municipality, d.id AS device, d.kind, d.point, d.lifecycle,
    coalesce(s.state, 'blind') AS state, coalesce(s.reason, 'never_seen') AS reason,
    s.since, s.last_sign_at, coalesce(s.revision, 0) AS revision
FROM device AS d
LEFT JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
WHERE d.lifecycle <> 'retired'
ORDER BY d.id

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
SELECT d.municipality, coalesce(s.state, 'blind') AS state, count(*) AS devices
FROM device AS d
LEFT JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
WHERE d.lifecycle = 'active'
GROUP BY d.municipality, coalesce(s.state, 'blind')

-- name: point_counts
-- How many points each municipality has.
SELECT municipality, count(*) AS points FROM service_point WHERE status <> 'closed' GROUP BY municipality
