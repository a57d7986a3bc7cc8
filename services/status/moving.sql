-- name: move_on
-- Move on the devices of a stretch of the log that are plainly up, still or again after they were late. Returned are how
-- many, when the first of them will be late, and the events of all others. Plainly: what `cases.still_up` says, told so
-- that each device's events need not be put in order; and at most one pause between two signs was too long to be up all
-- the while, and too short to be down.
WITH heard AS MATERIALIZED (
    SELECT
        e.municipality, e.device, e.at, e.received_at, e.type, e.boot, e.conn,
        CASE WHEN e.type = 'device.status' THEN e.data ->> 'state' END AS said,
        CASE e.data -> 'uplink_ok' WHEN 'true'::jsonb THEN true WHEN 'false'::jsonb THEN false END AS uplink_ok
    FROM event AS e
    WHERE e.lane = $1 AND e.position > $2 AND e.position <= $3
),

devices AS MATERIALIZED (
    SELECT
        h.municipality, h.device,
        date_trunc('milliseconds', min(h.received_at)) AS first_at,
        date_trunc('milliseconds', max(h.received_at)) AS last_at,
        bool_and(
            h.received_at - h.at <= interval '60 s'
            AND coalesce(h.said, '') NOT IN ('online', 'offline', 'restarting')
        ) AS plain,
        min(h.at) FILTER (WHERE h.type = 'device.heartbeat') AS first_beat_at,
        count(*) FILTER (WHERE h.type = 'device.heartbeat') AS beats,
        count(*) FILTER (WHERE h.type = 'device.heartbeat' AND h.uplink_ok) AS beats_with,
        count(*) FILTER (WHERE h.type = 'device.heartbeat' AND NOT h.uplink_ok) AS beats_without
    FROM heard AS h
    GROUP BY h.municipality, h.device
),

known AS MATERIALIZED (
    SELECT
        d.municipality, d.device, d.first_at, d.last_at, d.last_at + s.late_after AS next_at, s.ctid AS stands_at,
        s.since, s.reason, s.last_sign_at, s.late_at, d.first_at > s.late_at AS again, s.heard_from,
        s.heard_from IS NOT NULL AND d.first_at <= s.last_sign_at + s.silent_after AS repaired,
        d.plain AND s.settled AND d.first_at >= s.last_sign_at AND d.last_at + s.late_after > $4
        AND CASE
            WHEN s.reason = 'unproven' THEN d.first_at > s.since AND d.last_at <= d.first_at + s.late_after
                AND CASE WHEN d.first_at <= s.last_sign_at + s.silent_after THEN s.heard_from IS NOT NULL
                    ELSE d.first_at <= s.since + s.silent_after END
            WHEN d.first_at <= s.late_at THEN s.reason = 'heard' AND d.last_at <= s.late_at
            ELSE d.first_at <= s.last_sign_at + s.silent_after AND d.last_at <= d.first_at + s.late_after
        END
        AND (d.beats = 0 OR (
            CASE s.uplink_ok WHEN true THEN d.beats_with WHEN false THEN d.beats_without
                ELSE d.beats - d.beats_with - d.beats_without END = d.beats
            AND (s.born_at IS NULL OR d.first_beat_at >= s.born_at)
        )) AS up
    FROM devices AS d
    LEFT JOIN LATERAL (
        SELECT
            s.ctid, s.last_sign_at, s.uplink_ok, s.born_at, s.since, s.reason, l.late_after, l.silent_after,
            s.last_sign_at + l.late_after AS late_at, h.heard_from,
            l.late_after > interval '5 s' AND s.last_event_at = s.last_sign_at
            AND CASE s.reason
                WHEN 'heard' THEN s.next_change_at = s.last_sign_at + l.late_after
                WHEN 'late' THEN s.next_change_at = s.last_sign_at + l.silent_after + interval '1 ms'
                WHEN 'unproven' THEN s.next_change_at = s.since + l.silent_after + interval '1 ms'
            END
            AND (s.municipality, s.device) NOT IN (SELECT r.municipality, r.device FROM status_recheck AS r)
            AS settled
        FROM device_status AS s
        CROSS JOIN LATERAL (
            SELECT
                least(1500 * s.expected_interval_s, 1000 * s.offline_after_s) * interval '1 ms' AS late_after,
                greatest(s.offline_after_s, s.expected_interval_s + 15) * interval '1 s' AS silent_after
        ) AS l
        -- Where it was up when our sight ended: since when.
        LEFT JOIN LATERAL (
            SELECT CASE i.reason WHEN 'heard' THEN i.starts_at END AS heard_from
            FROM status_interval AS i
            WHERE s.reason = 'unproven' AND i.municipality = s.municipality AND i.device = s.device
                AND i.starts_at <= s.last_sign_at
            ORDER BY i.starts_at DESC
            LIMIT 1
        ) AS h ON true
        WHERE s.municipality = d.municipality AND s.device = d.device
        OFFSET 0
    ) AS s ON true
),

moved AS (
    UPDATE device_status AS s
    SET
        last_sign_at = k.last_at, last_event_at = k.last_at, next_change_at = k.next_at, revision = $5,
        state = 'up', reason = 'heard',
        since = CASE
            WHEN k.repaired AND NOT k.again THEN k.heard_from
            WHEN k.again OR k.reason = 'unproven' THEN k.first_at
            ELSE s.since
        END,
        changed_revision = CASE WHEN k.again OR k.reason = 'unproven' THEN $5 ELSE s.changed_revision END
    FROM known AS k
    WHERE k.up AND s.ctid = k.stands_at
    RETURNING s.next_change_at
),

back AS MATERIALIZED (
    SELECT
        k.municipality, k.device, k.first_at, k.last_sign_at, k.late_at, k.repaired,
        k.again AND (k.repaired OR k.reason = 'heard') AS was_late, i.ctid AS stands_at
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT i.ctid
        FROM status_interval AS i
        WHERE i.municipality = k.municipality AND i.device = k.device
            AND i.starts_at = CASE WHEN k.repaired THEN k.heard_from ELSE k.since END
        OFFSET 0
    ) AS i
    WHERE k.up AND (k.again OR k.reason = 'unproven')
),

-- The device was there on both sides of what we did not see: nothing of that stands.
cleared AS (
    DELETE FROM status_interval AS x WHERE x.ctid = ANY (ARRAY(
        SELECT i.ctid
        FROM back AS b
        CROSS JOIN LATERAL (
            SELECT i.ctid
            FROM status_interval AS i
            WHERE i.municipality = b.municipality AND i.device = b.device AND i.starts_at > b.last_sign_at
                AND NOT (b.was_late AND i.starts_at = b.late_at)
            OFFSET 0
        ) AS i
        WHERE b.repaired
    ))
),

ended AS (
    UPDATE status_interval AS i
    SET ends_at = CASE WHEN b.was_late THEN b.late_at WHEN NOT b.repaired THEN b.first_at END
    FROM back AS b
    WHERE i.ctid = b.stands_at
),

begun AS (
    INSERT INTO status_interval AS i (municipality, device, starts_at, ends_at, state, reason)
    SELECT b.municipality, b.device, b.late_at, b.first_at, 'degraded', 'late' FROM back AS b WHERE b.was_late
    UNION ALL
    SELECT b.municipality, b.device, b.first_at, NULL, 'up', 'heard' FROM back AS b WHERE b.was_late OR NOT b.repaired
    ON CONFLICT (municipality, device, starts_at) DO UPDATE
    SET ends_at = excluded.ends_at, state = excluded.state, reason = excluded.reason
)

SELECT m.moved, m.due_from, h.*
FROM (SELECT count(*) AS moved, min(n.next_change_at) AS due_from FROM moved AS n) AS m
LEFT JOIN (heard AS h JOIN known AS k ON k.municipality = h.municipality AND k.device = h.device AND k.up IS NOT TRUE)
    ON true

-- name: become_late
-- Devices that were plainly up and were not heard in time are late: those that were heard in this sight, which began at
-- $3 at the latest. Whoever is down by now is due at once, and judged.
WITH due AS MATERIALIZED (
    SELECT
        s.ctid AS stands_at, s.next_change_at AS late_at, s.last_sign_at + l.silent_after + interval '1 ms' AS next_at,
        s.municipality, s.device, i.ctid AS interval_at
    FROM device_status AS s
    CROSS JOIN LATERAL (
        SELECT
            least(1500 * s.expected_interval_s, 1000 * s.offline_after_s) * interval '1 ms' AS late_after,
            greatest(s.offline_after_s, s.expected_interval_s + 15) * interval '1 s' AS silent_after
    ) AS l
    CROSS JOIN LATERAL (
        SELECT i.ctid
        FROM status_interval AS i
        WHERE i.municipality = s.municipality AND i.device = s.device AND i.starts_at = s.since
        OFFSET 0
    ) AS i
    WHERE s.lane = $1 AND s.next_change_at > 'epoch' AND s.next_change_at <= $2
        AND s.reason = 'heard' AND s.last_event_at = s.last_sign_at AND l.late_after > interval '5 s'
        AND s.next_change_at = s.last_sign_at + l.late_after
        AND s.last_sign_at >= $3
        AND (s.municipality, s.device) NOT IN (SELECT r.municipality, r.device FROM status_recheck AS r)
),

ended AS (
    UPDATE status_interval AS i SET ends_at = d.late_at FROM due AS d WHERE i.ctid = d.interval_at
),

begun AS (
    INSERT INTO status_interval (municipality, device, starts_at, state, reason)
    SELECT d.municipality, d.device, d.late_at, 'degraded', 'late' FROM due AS d
)

UPDATE device_status AS s
SET
    state = 'degraded', reason = 'late', since = d.late_at, next_change_at = d.next_at,
    revision = $4, changed_revision = $4
FROM due AS d
WHERE s.ctid = d.stands_at

-- name: due
-- The devices whose state changes by itself once time is proven until an instant, and when the next one changes after.
-- It looks at the whole lane: asked only when the one that was to be next is due.
SELECT
    array_agg(s.municipality) FILTER (WHERE s.next_change_at <= $2) AS municipalities,
    array_agg(s.device) FILTER (WHERE s.next_change_at <= $2) AS devices,
    min(s.next_change_at) FILTER (WHERE s.next_change_at > $2) AS due_from
FROM device_status AS s
WHERE s.lane = $1 AND s.next_change_at > 'epoch'

-- name: rechecked
-- Take away what was asked for and is done.
DELETE FROM status_recheck AS r
USING unnest($1::text[], $2::bigint[]) AS k (municipality, id)
WHERE r.municipality = k.municipality AND r.id = k.id

-- name: still_up
-- Move on devices that are up and were heard again in time.
UPDATE device_status AS s
SET last_sign_at = k.heard_at, last_event_at = k.heard_at, next_change_at = k.late_at, revision = $1
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
    AS k (municipality, device, heard_at, late_at)
WHERE s.municipality = k.municipality AND s.device = k.device

-- name: leave_unjudged
-- Mark devices that are out of service: what they missed is judged in full when they come back.
UPDATE device_status AS s
SET next_change_at = 'epoch'
FROM unnest($1::text[], $2::text[]) AS k (municipality, device)
WHERE s.municipality = k.municipality AND s.device = k.device AND s.next_change_at IS DISTINCT FROM 'epoch'
