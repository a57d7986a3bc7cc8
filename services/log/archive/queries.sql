-- name: take_turn
-- Be the only one who takes away from the log, archives or imports, until the transaction ends; false when somebody is.
SELECT pg_try_advisory_xact_lock(7381240972)

-- name: keep_turn
-- Let the transaction that holds the turn be idle for as long as the work takes.
SET LOCAL idle_in_transaction_session_timeout = 0

-- name: municipalities
-- The municipalities of the lane.
SELECT code FROM municipality ORDER BY code

-- name: counts
-- How many events of a class the lane's municipalities have between two instants.
SELECT municipality, count(*) AS events
FROM event
WHERE retention = $1 AND at >= $2 AND at < $3
GROUP BY municipality

-- name: events
-- The events of a municipality and class between two instants, device by device; times in microseconds.
-- In the order of the partition's key, which need not be sorted anew: `e.at` is the column, `at` the number.
SELECT
    e.device, e.position, e.id, e.type,
    (extract(epoch FROM e.at) * 1000000)::bigint AS at,
    (extract(epoch FROM e.received_at) * 1000000)::bigint AS received_at,
    (extract(epoch FROM e.time) * 1000000)::bigint AS time,
    e.boot, e.conn, e.seq, e.data::text AS data
FROM event AS e
WHERE e.municipality = $1 AND e.retention = $2 AND e.at >= $3 AND e.at < $4
ORDER BY e.device, e.at, hashtextextended(e.id, 0), e.id

-- name: hold_lane
-- Take the lane's row lock; the next statement's snapshot then holds everything before it.
SELECT FROM lane WHERE lane = $1 FOR UPDATE

-- name: take_in
-- Store archived events that the log does not have, below the lowest position: readings do not follow them.
WITH incoming AS (
    SELECT
        t.device, t.id, t.type, t.boot, t.conn, t.seq, t.data::jsonb AS data, t.n,
        'epoch'::timestamptz + t.at * interval '1 us' AS at,
        'epoch'::timestamptz + t.received_at * interval '1 us' AS received_at,
        'epoch'::timestamptz + t.time * interval '1 us' AS time
    FROM unnest(
        $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
        $10::text[], $11::text[], $12::bigint[], $13::text[]
    ) WITH ORDINALITY AS t (device, id, type, at, received_at, time, boot, conn, seq, data, n)
),

fresh AS (
    SELECT i.*, row_number() OVER (ORDER BY i.n) AS place
    FROM incoming AS i
    WHERE NOT EXISTS (
        SELECT FROM event AS e
        WHERE e.municipality = $2 AND e.device = i.device AND e.at = i.at AND e.id = i.id
        OFFSET 0
    )
),

moved AS (
    UPDATE lane SET tail = tail - (SELECT count(*) FROM fresh) WHERE lane = $1
)

INSERT INTO event (
    lane, position, municipality, device, id, type, retention, at, received_at, time, boot, conn, seq, data
)
SELECT
    $1, l.tail - f.place, $2, f.device, f.id, f.type, $3, f.at, f.received_at, f.time, f.boot, f.conn, f.seq, f.data
FROM fresh AS f
JOIN lane AS l ON l.lane = $1

-- name: whole_again
-- Say that the log has all events of a municipality and class between two instants again, if it has what comes after.
UPDATE log_horizon SET kept_from = $3
WHERE municipality = $1 AND retention = $2 AND kept_from > $3 AND kept_from <= $4
