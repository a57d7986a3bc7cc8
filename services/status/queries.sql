-- name: lane
-- How the lane was last judged.
SELECT as_of, revision, observed FROM status_lane WHERE lane = $1

-- name: seen
-- The observer intervals of the lane that reach an instant or go beyond it.
SELECT seen_from, seen_until, closed FROM observation WHERE lane = $1 AND seen_until >= $2 ORDER BY seen_from

-- name: outlook
-- In one look, so that they fit together: the lane's head, how it was last judged, the observations since, when the
-- newest of the next events was received, and the devices that the registry wants judged again. Whatever was received
-- before the newest canary is then within the head.
SELECT
    l.head, s.as_of, s.revision, s.observed, s.due_from, n.received_at AS newest,
    o.seen_from, o.seen_until, o.closed, r.ids AS recheck_ids, r.municipalities, r.devices
FROM lane AS l
LEFT JOIN status_lane AS s ON s.lane = l.lane
LEFT JOIN LATERAL (
    SELECT max(e.received_at) AS received_at
    FROM event AS e
    WHERE e.lane = $1 AND e.position > $2 AND e.position <= least(greatest(l.head, $2), $2::bigint + $3)
) AS n ON true
LEFT JOIN LATERAL (
    SELECT
        array_agg(b.seen_from ORDER BY b.seen_from) AS seen_from,
        array_agg(b.seen_until ORDER BY b.seen_from) AS seen_until,
        array_agg(b.closed ORDER BY b.seen_from) AS closed
    FROM observation AS b
    WHERE b.lane = $1 AND b.seen_until >= 'epoch'::timestamptz
        + coalesce(nullif(split_part(s.observed, ' ', 2), ''), '0')::bigint * interval '1 ms'
) AS o ON true
LEFT JOIN LATERAL (
    SELECT array_agg(c.id) AS ids, array_agg(c.municipality) AS municipalities, array_agg(c.device) AS devices
    FROM status_recheck AS c
) AS r ON true
WHERE l.lane = $1

-- name: log_place
-- The head of the lane's log, and how far the reading has come.
SELECT l.head, coalesce(c.position, 0) AS position
FROM lane AS l
LEFT JOIN reading_cursor AS c ON c.lane = l.lane AND c.reading = $2
WHERE l.lane = $1

-- name: whole_lane
-- Every device of the lane that has a status.
SELECT municipality, device FROM device_status WHERE lane = $1

-- name: devices_in_log
-- Every device that the lane's log has events of.
SELECT DISTINCT municipality, device FROM event WHERE lane = $1 AND position <= $2

-- name: newest_receipt
-- When the newest event of the lane's log was received.
SELECT max(received_at) FROM event WHERE lane = $1 AND position <= $2

-- name: cases
-- What the registry expects of devices, and what their status is.
SELECT
    d.municipality, d.id AS device, d.expected_interval_s, d.offline_after_s,
    d.lifecycle IN ('registered', 'active') AS judged,
    s.state, s.reason, s.since, s.last_sign_at, s.last_event_at, s.next_change_at,
    s.expected_interval_s AS judged_interval_s, s.offline_after_s AS judged_offline_after_s,
    s.boot, s.conn, s.uplink_ok, s.born_at
FROM unnest($1::text[], $2::text[]) AS k (municipality, device)
CROSS JOIN LATERAL (
    SELECT * FROM device AS d WHERE d.municipality = k.municipality AND d.id = k.device OFFSET 0
) AS d
LEFT JOIN LATERAL (
    SELECT * FROM device_status AS s WHERE s.municipality = k.municipality AND s.device = k.device OFFSET 0
) AS s ON true
ORDER BY d.municipality, d.id

-- name: anchors
-- A timely sign of life before an instant, a heartbeat if there is one, and the newest birth before that.
-- A timely sign is received from 10 minutes before its `at` (a fast clock) until a minute after it.
SELECT k.municipality, k.device, a.received_at AS anchor_at, b.boot, b.conn, b.at AS born_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (municipality, device, before)
LEFT JOIN LATERAL (
    SELECT e.received_at
    FROM event AS e
    WHERE e.municipality = k.municipality AND e.device = k.device AND e.type = 'device.heartbeat'
        AND e.received_at - e.at <= interval '60 s'
        AND e.at <= k.before + interval '10 min' AND e.received_at <= k.before AND e.position <= $4
    ORDER BY e.at DESC
    LIMIT 1
) AS heartbeat ON true
LEFT JOIN LATERAL (
    SELECT e.received_at
    FROM event AS e
    WHERE heartbeat.received_at IS NULL
        AND e.municipality = k.municipality AND e.device = k.device
        AND (e.type <> 'device.status' OR e.data ->> 'state' <> 'offline')
        AND e.received_at - e.at <= interval '60 s'
        AND e.at <= k.before + interval '10 min' AND e.received_at <= k.before AND e.position <= $4
    ORDER BY e.at DESC
    LIMIT 1
) AS other ON true
CROSS JOIN LATERAL (SELECT coalesce(heartbeat.received_at, other.received_at) AS received_at) AS a
LEFT JOIN LATERAL (
    -- Among births the newest by `at` is nearly the newest: only those a few minutes around it have to be compared.
    SELECT e.at
    FROM event AS e
    WHERE e.municipality = k.municipality AND e.device = k.device
        AND e.type = 'device.status' AND e.data ->> 'state' = 'online'
        AND e.at < a.received_at + interval '10 min' AND e.position <= $4
        AND CASE WHEN e.received_at - e.at <= interval '60 s' THEN e.received_at ELSE e.at END < a.received_at
    ORDER BY e.at DESC
    LIMIT 1
) AS near ON true
LEFT JOIN LATERAL (
    SELECT e.boot, e.conn, e.at
    FROM event AS e
    CROSS JOIN LATERAL (
        SELECT CASE WHEN e.received_at - e.at <= interval '60 s' THEN e.received_at ELSE e.at END AS time
    ) AS t
    WHERE e.municipality = k.municipality AND e.device = k.device
        AND e.type = 'device.status' AND e.data ->> 'state' = 'online'
        AND e.at BETWEEN near.at - interval '11 min' AND near.at AND e.position <= $4 AND t.time < a.received_at
    ORDER BY
        t.time DESC, e.at DESC,
        e.conn COLLATE "C" DESC NULLS LAST, e.boot COLLATE "C" DESC NULLS LAST
    LIMIT 1
) AS b ON true

-- name: signs
-- What devices let us hear, from an instant each. OFFSET 0 keeps this a look by key for each device, whatever the planner
-- thought of tables that were empty then.
SELECT k.municipality, k.device, e.at, e.received_at, e.type, e.said, e.boot, e.conn, e.uplink_ok
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (municipality, device, since)
CROSS JOIN LATERAL (
    SELECT
        e.at, e.received_at, e.type, e.data ->> 'state' AS said, e.boot, e.conn,
        CASE e.data -> 'uplink_ok' WHEN 'true'::jsonb THEN true WHEN 'false'::jsonb THEN false END AS uplink_ok
    FROM event AS e
    WHERE e.municipality = k.municipality AND e.device = k.device AND e.at >= k.since AND e.position <= $4
    OFFSET 0
) AS e

-- name: intervals_since
-- The intervals of devices from the one that holds an instant on.
SELECT k.municipality, k.device, i.starts_at, i.ends_at, i.reason
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (municipality, device, since)
CROSS JOIN LATERAL (
    SELECT i.starts_at, i.ends_at, i.reason
    FROM status_interval AS i
    WHERE i.municipality = k.municipality AND i.device = k.device AND (i.ends_at IS NULL OR i.ends_at >= k.since)
        -- The same once more by start, which the key knows: a year of intervals is not read for the last of them.
        AND i.starts_at >= coalesce((
            SELECT max(b.starts_at)
            FROM status_interval AS b
            WHERE b.municipality = k.municipality AND b.device = k.device AND b.starts_at < k.since
        ), '-infinity')
    OFFSET 0
) AS i
ORDER BY k.municipality, k.device, i.starts_at

-- name: remove_intervals
-- Take away intervals that history does not have any longer.
DELETE FROM status_interval AS i
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (municipality, device, starts_at)
WHERE i.municipality = k.municipality AND i.device = k.device AND i.starts_at = k.starts_at

-- name: put_intervals
-- Store intervals, new or changed.
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
SELECT k.municipality, k.device, k.starts_at, k.ends_at, k.state, k.reason
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
    AS k (municipality, device, starts_at, ends_at, state, reason)
ON CONFLICT (municipality, device, starts_at) DO UPDATE
SET ends_at = excluded.ends_at, state = excluded.state, reason = excluded.reason

-- name: put_status
-- Store the status of devices where it differs from what is there.
INSERT INTO device_status AS s (
    lane, revision, changed_revision, municipality, device, state, reason, since, last_sign_at, last_event_at, next_change_at,
    expected_interval_s, offline_after_s, boot, conn, uplink_ok,
    born_at
)
SELECT $1, $2, $2, k.*
FROM unnest(
    $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
    $10::timestamptz[], $11::int[], $12::int[], $13::text[], $14::text[], $15::boolean[],
    $16::timestamptz[]
) AS k
ON CONFLICT (municipality, device) DO UPDATE SET
    revision = excluded.revision,
    changed_revision = CASE
        WHEN (s.state, s.reason, s.since) = (excluded.state, excluded.reason, excluded.since) THEN s.changed_revision
        ELSE excluded.changed_revision
    END,
    state = excluded.state, reason = excluded.reason, since = excluded.since,
    last_sign_at = excluded.last_sign_at, last_event_at = excluded.last_event_at,
    next_change_at = excluded.next_change_at, expected_interval_s = excluded.expected_interval_s,
    offline_after_s = excluded.offline_after_s, boot = excluded.boot, conn = excluded.conn,
    uplink_ok = excluded.uplink_ok, born_at = excluded.born_at
WHERE (
    s.state, s.reason, s.since, s.last_sign_at, s.last_event_at, s.next_change_at, s.expected_interval_s,
    s.offline_after_s, s.boot, s.conn, s.uplink_ok, s.born_at
) IS DISTINCT FROM (
    excluded.state, excluded.reason, excluded.since, excluded.last_sign_at, excluded.last_event_at,
    excluded.next_change_at, excluded.expected_interval_s, excluded.offline_after_s, excluded.boot,
    excluded.conn, excluded.uplink_ok, excluded.born_at
)

-- name: put_lane
-- Remember how the lane was judged and, when something changed, tell whoever shows states of the new revision.
WITH put AS (
    INSERT INTO status_lane (lane, as_of, revision, observed, due_from) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (lane) DO UPDATE
    SET as_of = excluded.as_of, revision = excluded.revision, observed = excluded.observed,
        due_from = excluded.due_from
)

SELECT pg_notify('bypunkt_status', $1::smallint || ':' || $3::bigint) WHERE $6::boolean

-- name: drop_statuses
-- Take away the lane's statuses of devices in service, for making them again; but for municipalities whose log has let
-- go of its beginning.
DELETE FROM device_status AS s
USING device AS d
WHERE s.lane = $1 AND d.municipality = s.municipality AND d.id = s.device
    AND d.lifecycle IN ('registered', 'active') AND s.municipality <> ALL ($2::text[])
RETURNING s.municipality, s.device

-- name: horizons
-- From when on the log has all events, where it has let go of its beginning.
SELECT municipality, max(kept_from) AS kept_from FROM log_horizon GROUP BY municipality

-- name: drop_intervals
-- Take away all intervals of devices.
DELETE FROM status_interval AS i
USING unnest($1::text[], $2::text[]) AS k (municipality, device)
WHERE i.municipality = k.municipality AND i.device = k.device

-- name: device_states
-- The state of every registered device as it may be shown, of some municipalities or of all that may be seen.
SELECT
    municipality, device, kind, point, lifecycle, state, reason, since, last_sign_at, last_event_at, uplink_ok,
    lane, revision
FROM judged_device_state
WHERE $1::text[] IS NULL OR municipality = ANY($1)
ORDER BY municipality, device

-- name: lane_shown
-- How far a lane has been judged, and whether that is too long ago to be shown.
SELECT coalesce(l.revision, 0) AS revision, coalesce(is_stale(c.caught_up_at), false) AS stale
FROM (SELECT $1::smallint AS lane) AS k
LEFT JOIN status_lane AS l ON l.lane = k.lane
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = k.lane

-- name: shown_in_lane
-- The state of a lane's devices as it may be shown.
SELECT
    d.municipality, d.id AS device, d.lifecycle IN ('registered', 'active') AS in_service,
    x.state, x.reason, x.since
FROM device AS d
JOIN municipality AS m ON m.code = d.municipality
LEFT JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = m.lane
CROSS JOIN LATERAL shown_state(s.state, s.reason, s.since, c.caught_up_at) AS x
WHERE m.lane = $1
ORDER BY d.municipality, d.id

-- name: changed_in_lane
-- The same of the devices for which it has changed after a revision; that they were heard again is no change.
SELECT
    d.municipality, d.id AS device, d.lifecycle IN ('registered', 'active') AS in_service,
    x.state, x.reason, x.since
FROM device_status AS s
JOIN device AS d ON d.municipality = s.municipality AND d.id = s.device
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = s.lane
CROSS JOIN LATERAL shown_state(s.state, s.reason, s.since, c.caught_up_at) AS x
WHERE s.lane = $1 AND s.changed_revision > $2
ORDER BY d.municipality, d.id

-- name: states_and_reasons
-- Every pair of state and reason that is stored for the devices of a lane.
SELECT s.municipality, s.device, s.state, s.reason
FROM device_status AS s
WHERE s.lane = $1
UNION
SELECT i.municipality, i.device, i.state, i.reason
FROM status_interval AS i
ORDER BY 1, 2, 3
