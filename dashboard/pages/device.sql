-- name: device
-- One device with its measured state, its point and whether it keeps a spool.
SELECT
    d.municipality, d.id AS device, d.kind, d.point, d.lifecycle, d.codec, d.expected_interval_s, d.offline_after_s,
    d.registered_at, d.synthetic, m.name AS municipality_name, m.lane, p.names AS point_names,
    s.state, s.reason, s.since, s.last_sign_at, s.revision, k.spool
FROM device AS d
JOIN municipality AS m ON m.code = d.municipality
LEFT JOIN service_point AS p ON p.municipality = d.municipality AND p.id = d.point
JOIN judged_device_state AS s ON s.municipality = d.municipality AND s.device = d.id
LEFT JOIN device_spool AS k ON k.municipality = d.municipality AND k.device = d.id
WHERE d.id = $1

-- name: intervals
-- The device's states since an instant, oldest first; the last one may be open.
SELECT starts_at, ends_at, state, reason
FROM status_interval
WHERE municipality = $1 AND device = $2 AND (ends_at IS NULL OR ends_at > $3)
ORDER BY starts_at

-- name: usage
-- The device's usage by hour since an instant, newest first.
SELECT hour, samples, clients_max, clients_mean, down_bytes, up_bytes, estimated, kiosk_sessions, kiosk_views
FROM usage_hour
WHERE municipality = $1 AND device = $2 AND hour >= $3
ORDER BY hour DESC

-- name: newest_events
-- The device's newest events by their own time.
SELECT municipality, device, type, at, received_at, data
FROM event
WHERE municipality = $1 AND device = $2 AND at > $3
ORDER BY at DESC, id DESC
LIMIT $4

-- name: last_heartbeat
-- The device's newest heartbeat since an instant, as far as it was heard when it was sent.
SELECT type, at, data
FROM event
WHERE municipality = $1 AND device = $2 AND at > $3
    AND type = 'device.heartbeat' AND received_at - at <= interval '60 s'
ORDER BY at DESC
LIMIT 1

-- name: last_health
-- The kiosk's newest word of its health since an instant.
SELECT type, at, data
FROM event
WHERE municipality = $1 AND device = $2 AND at > $3 AND type = 'kiosk.health'
ORDER BY at DESC
LIMIT 1

-- name: gaps
-- How many numbers are missing between the device's first and last event since an instant, over all its starts.
SELECT coalesce(sum(b.missing), 0)::bigint AS missing, count(*) AS boots
FROM (
    SELECT max(e.seq) - min(e.seq) + 1 - count(DISTINCT e.seq) AS missing
    FROM event AS e
    WHERE e.municipality = $1 AND e.device = $2 AND e.at > $3 AND e.seq IS NOT NULL AND e.boot IS NOT NULL
    GROUP BY e.boot
) AS b

-- name: letters
-- The device's newest dead letters.
SELECT id, reason, detail, received_at
FROM dead_letter
WHERE municipality = $1 AND device = $2
ORDER BY id DESC
LIMIT $3
