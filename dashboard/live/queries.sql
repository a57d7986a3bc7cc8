-- name: lane_codes
-- Every municipality's code with its lane, public as the codes are.
SELECT code, lane_for(code) AS lane FROM public_municipality ORDER BY code

-- name: heads
-- Where lanes stand now: the newest event and the newest state.
SELECT l.lane, l.head AS position, coalesce(s.revision, 0) AS revision
FROM lane AS l
LEFT JOIN status_lane AS s ON s.lane = l.lane
WHERE l.lane = ANY($1::smallint[])

-- name: new_events
-- The newest events of a lane after a position, at most so many.
SELECT municipality, device, type, at, received_at, lane, position, data
FROM event
WHERE lane = $1 AND position > $2
ORDER BY position DESC
LIMIT $3

-- name: missed_events
-- The newest events of a lane between two positions, at most so many.
SELECT municipality, device, type, at, received_at, lane, position, data
FROM event
WHERE lane = $1 AND position > $2 AND position <= $3
ORDER BY position DESC
LIMIT $4

-- name: changed_devices
-- States of a lane's devices that are newer than a revision.
SELECT s.municipality, s.device, s.lane, s.state, s.reason, s.since, s.last_sign_at, s.revision
FROM device_status AS s
JOIN device AS d ON d.municipality = s.municipality AND d.id = s.device
WHERE s.lane = $1 AND s.revision > $2 AND d.lifecycle <> 'retired'
ORDER BY s.revision

-- name: clients_now
-- How many are connected to hotspots now: the newest word of each radio in the last quarter of an hour.
SELECT t.municipality, t.device, $4::smallint AS lane, n.clients
FROM unnest($1::text[], $2::text[]) AS t (municipality, device)
CROSS JOIN LATERAL (
    SELECT sum(r.clients)::bigint AS clients
    FROM (
        SELECT DISTINCT ON (e.data ->> 'iface') (e.data ->> 'clients')::bigint AS clients
        FROM event AS e
        WHERE e.municipality = t.municipality AND e.device = t.device AND e.type = 'wifi.usage'
            AND e.at > $3::timestamptz - interval '15 minutes' AND e.at <= $3::timestamptz + interval '10 minutes'
        ORDER BY e.data ->> 'iface', e.at DESC
    ) AS r
) AS n

-- name: sight
-- When each lane in use was last proven to see and judged, and whether that stretch is still open.
SELECT
    l.lane, CASE WHEN k.stale THEN least(o.seen_until, c.caught_up_at) ELSE o.seen_until END AS seen_until,
    k.stale OR coalesce(o.closed, true) AS closed
FROM lane_in_use AS l
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = l.lane
CROSS JOIN LATERAL (SELECT is_stale(c.caught_up_at) AS stale) AS k
LEFT JOIN LATERAL (
    SELECT b.seen_until, b.closed FROM observation AS b WHERE b.lane = l.lane ORDER BY b.seen_from DESC LIMIT 1
) AS o ON true
ORDER BY l.lane
