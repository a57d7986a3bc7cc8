-- name: lose_sight
-- We have seen from $2 at the latest until $3: from there on nothing is known of the lane's devices.
-- Those that stood firm: heard, late, or down. Who was heard in the stretch of the log from $4 to $5 is judged.
WITH gone AS MATERIALIZED (
    SELECT
        s.ctid AS stands_at, s.municipality, s.device, i.ctid AS interval_at,
        CASE WHEN s.reason = 'heard' AND s.next_change_at < $3 THEN s.next_change_at END AS late_at
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
    WHERE s.lane = $1 AND s.since < $3
        AND CASE s.reason
            WHEN 'silent' THEN s.next_change_at IS NULL
            WHEN 'heard' THEN s.next_change_at = s.last_sign_at + l.late_after
            WHEN 'late' THEN s.next_change_at = s.last_sign_at + l.silent_after + interval '1 ms'
            ELSE false
        END
        AND (s.reason = 'silent' OR (
            s.last_event_at = s.last_sign_at AND l.late_after > interval '5 s'
            AND s.last_sign_at >= $2 AND s.last_sign_at < $3 AND s.last_sign_at + l.silent_after >= $3
        ))
        AND (s.municipality, s.device) NOT IN (SELECT r.municipality, r.device FROM status_recheck AS r)
        AND (s.municipality, s.device) NOT IN (
            SELECT e.municipality, e.device FROM event AS e WHERE e.lane = $1 AND e.position > $4 AND e.position <= $5
        )
),

ended AS (
    UPDATE status_interval AS i SET ends_at = coalesce(g.late_at, $3) FROM gone AS g WHERE i.ctid = g.interval_at
),

begun AS (
    INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
    SELECT g.municipality, g.device, g.late_at, $3, 'degraded', 'late' FROM gone AS g WHERE g.late_at IS NOT NULL
    UNION ALL
    SELECT g.municipality, g.device, $3, NULL, 'blind', 'not_watched' FROM gone AS g
)

UPDATE device_status AS s
SET
    state = 'blind', reason = 'not_watched', since = $3, next_change_at = NULL,
    revision = $6, changed_revision = $6
FROM gone AS g
WHERE s.ctid = g.stands_at

-- name: gain_sight
-- We see again since $2, and have until $3: of the lane's devices nothing is proven yet. Those of which nothing was known,
-- but for who was heard so shortly before that no gap is left; who was heard from $4 to $5 is judged.
WITH found AS MATERIALIZED (
    SELECT
        s.ctid AS stands_at, s.municipality, s.device, i.ctid AS interval_at,
        $2::timestamptz + l.silent_after + interval '1 ms' AS next_at
    FROM device_status AS s
    CROSS JOIN LATERAL (
        SELECT greatest(s.offline_after_s, s.expected_interval_s + 15) * interval '1 s' AS silent_after
    ) AS l
    CROSS JOIN LATERAL (
        SELECT i.ctid
        FROM status_interval AS i
        WHERE i.municipality = s.municipality AND i.device = s.device AND i.starts_at = s.since
        OFFSET 0
    ) AS i
    WHERE s.lane = $1 AND s.reason = 'not_watched' AND s.next_change_at IS NULL AND s.since < $2
        AND s.last_sign_at + interval '15 s' < $2 AND $2::timestamptz + l.silent_after >= $3
        AND (s.municipality, s.device) NOT IN (SELECT r.municipality, r.device FROM status_recheck AS r)
        AND (s.municipality, s.device) NOT IN (
            SELECT e.municipality, e.device FROM event AS e WHERE e.lane = $1 AND e.position > $4 AND e.position <= $5
        )
),

ended AS (
    UPDATE status_interval AS i SET ends_at = $2 FROM found AS f WHERE i.ctid = f.interval_at
),

begun AS (
    INSERT INTO status_interval (municipality, device, starts_at, state, reason)
    SELECT f.municipality, f.device, $2, 'blind', 'unproven' FROM found AS f
)

UPDATE device_status AS s
SET reason = 'unproven', since = $2, next_change_at = f.next_at, revision = $6, changed_revision = $6
FROM found AS f
WHERE s.ctid = f.stands_at

-- name: rest_of_lane
-- Every device of the lane that has a status, but for those that a revision has changed already.
SELECT municipality, device FROM device_status WHERE lane = $1 AND revision <> $2
