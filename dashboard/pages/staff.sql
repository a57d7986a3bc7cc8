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
