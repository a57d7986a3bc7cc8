-- name: hold_lane
-- Take the row lock of the transaction's lane; the next statement's snapshot then holds everything before it.
-- What is planned here is kept for long: a partition that was empty then must be looked at by index all the same,
-- and to plan anew for each batch would cost more than the batch.
SET LOCAL enable_seqscan = off;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT FROM lane WHERE lane = (SELECT scope_lane()) FOR UPDATE

-- name: append
-- Store the events that are not in the log yet at the positions after the head, and move the head, which wakes readers.
-- A column comes as one text, its values between unit separators, empty for none; times are microseconds.
-- They become timestamps before the rows do: row-level security lets no arithmetic into an index condition.
-- The last four say between which instants copies may lie, so that only the partitions there are opened at all.
-- OFFSET 0 keeps this a look by key for each event, whatever the planner thinks of a partition that is empty yet.
WITH incoming AS (
    SELECT *
    FROM ROWS FROM (
        unnest(
            string_to_array($2, E'\x1f', ''), string_to_array($3, E'\x1f', ''), string_to_array($4, E'\x1f', ''),
            string_to_array($5, E'\x1f', ''), string_to_array($6, E'\x1f', ''),
            ARRAY(SELECT 'epoch'::timestamptz + u * interval '1 us' FROM unnest(string_to_array($7, E'\x1f', '')::bigint[]) AS u),
            ARRAY(SELECT 'epoch'::timestamptz + u * interval '1 us' FROM unnest(string_to_array($8, E'\x1f', '')::bigint[]) AS u),
            ARRAY(SELECT 'epoch'::timestamptz + u * interval '1 us' FROM unnest(string_to_array($9, E'\x1f', '')::bigint[]) AS u),
            string_to_array($10, E'\x1f', ''), string_to_array($11, E'\x1f', ''),
            string_to_array($12, E'\x1f', '')::bigint[], string_to_array($13, E'\x1f', '')::boolean[]
        ),
        jsonb_array_elements($14::text::jsonb)
    ) WITH ORDINALITY AS t (
        municipality, device, id, type, retention, at, received_at, time, boot, conn, seq, look_back, data, n
    )
),

-- What the log holds of each device and time is read once, however many events of the batch share them: a device whose
-- clock stands still says the same time for ever.
copies AS MATERIALIZED (
    SELECT k.municipality, k.device, k.at, e.id
    FROM (SELECT DISTINCT municipality, device, at FROM incoming) AS k
    CROSS JOIN LATERAL (
        SELECT e.id
        FROM event AS e
        WHERE e.municipality = k.municipality AND e.device = k.device AND e.at = k.at AND e.at BETWEEN $15 AND $16
        OFFSET 0
    ) AS e
),

fresh AS (
    SELECT i.*, row_number() OVER (ORDER BY i.n) AS place
    FROM incoming AS i
    WHERE NOT EXISTS (
        SELECT FROM copies AS c
        WHERE c.municipality = i.municipality AND c.device = i.device AND c.at = i.at AND c.id = i.id
    ) AND NOT (i.look_back IS NOT NULL AND EXISTS (
        SELECT FROM event AS e
        WHERE e.municipality = i.municipality AND e.device = i.device AND e.id = i.id
            AND e.at > i.received_at - interval '48 hours' AND e.at <= i.received_at + interval '10 minutes'
            AND e.at BETWEEN $17 AND $18
        OFFSET 0
    ))
),

moved AS (
    UPDATE lane SET head = head + (SELECT count(*) FROM fresh) WHERE lane = $1 AND EXISTS (SELECT FROM fresh)
)

INSERT INTO event (
    lane, position, municipality, device, id, type, retention, at, received_at, time, boot, conn, seq, data
)
SELECT
    $1, l.head + f.place, f.municipality, f.device, f.id, f.type, f.retention, f.at, f.received_at, f.time,
    f.boot, f.conn, f.seq, f.data
FROM fresh AS f
JOIN lane AS l ON l.lane = $1

-- name: add_dead_letters
-- Keep what could not be stored, with the reason.
INSERT INTO dead_letter (
    lane, municipality, device, topic, reason, detail, event_id, received_at, size, fingerprint, payload, replayable
)
SELECT
    $1, t.municipality, t.device, t.topic, t.reason, t.detail, t.event_id, t.received_at, t.size,
    sha256((SELECT i.fingerprint_key FROM installation AS i) || t.raw), t.payload, t.replayable
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::int[],
    $10::bytea[], $11::text[], $12::boolean[]
) AS t (municipality, device, topic, reason, detail, event_id, received_at, size, raw, payload, replayable)

-- name: announce
-- Wake the readers of a lane when the transaction commits.
SELECT pg_notify('bypunkt_log', $1::text)

-- name: make_partitions
-- Make the partitions that events between two instants need.
SELECT make_event_partitions($1, $2)

-- name: begin_cursor
-- Make sure that a reading has a cursor in a lane.
INSERT INTO reading_cursor (reading, lane) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: hold_cursor
-- Take a reading's place in a lane, one holder at a time, and look how far the log goes. The statements that follow find
-- their rows by key, however many there were when they were planned: a table that was empty then may be large now.
SELECT
    c.position, l.head, set_config('enable_seqscan', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true)
FROM reading_cursor AS c
JOIN lane AS l ON l.lane = c.lane
WHERE c.reading = $1 AND c.lane = $2
FOR UPDATE OF c

-- name: move_cursor
-- Remember how far a reading has come, and when it had read everything.
UPDATE reading_cursor SET position = $3, caught_up_at = coalesce($4, caught_up_at) WHERE reading = $1 AND lane = $2

-- name: events_after
-- The next events of a lane in the order of their positions.
SELECT lane, position, municipality, device, id, type, at, received_at, time, boot, conn, seq, data
FROM event
WHERE lane = $1 AND position > $2
ORDER BY position
LIMIT $3

-- name: lanes_in_use
-- The lanes that have municipalities.
SELECT lane FROM lane_in_use ORDER BY lane

-- name: heads
-- The head of every lane that has events.
SELECT lane, head FROM lane WHERE head > 0

-- name: dead_letters
-- The newest dead letters first, after an id when paging.
SELECT id, municipality, device, topic, reason, detail, event_id, received_at, size, payload, replayable
FROM dead_letter
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR reason = $2)
ORDER BY id DESC
LIMIT $3

-- name: dead_letter
-- One dead letter.
SELECT id, municipality, device, topic, reason, detail, event_id, received_at, size, payload, replayable, lane
FROM dead_letter
WHERE id = $1

-- name: drop_dead_letters
-- Throw away dead letters by id.
DELETE FROM dead_letter WHERE id = ANY($1::bigint[]) RETURNING id

-- name: cursors
-- How far every reading has come, and how long ago it had read everything, in seconds; empty when it never has.
SELECT reading, lane, position, extract(epoch FROM now() - caught_up_at)::float8 AS seconds
FROM reading_cursor

-- name: declare_spools
-- Remember which devices keep their events until the receipt; an older declaration never replaces a newer one.
INSERT INTO device_spool AS s (municipality, device, declared_at, spool)
SELECT DISTINCT ON (t.municipality, t.device) t.municipality, t.device, t.declared_at, t.spool
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::boolean[]) AS t (municipality, device, declared_at, spool)
ORDER BY t.municipality, t.device, t.declared_at DESC
ON CONFLICT (municipality, device) DO UPDATE
SET declared_at = excluded.declared_at, spool = excluded.spool
WHERE excluded.declared_at >= s.declared_at

-- name: observe
-- A canary came back: this connection of the lane could see from its first canary until this one.
INSERT INTO observation AS o (lane, seen_from, seen_until) VALUES ($1, $2, $3)
ON CONFLICT (lane, seen_from) DO UPDATE SET seen_until = excluded.seen_until
WHERE excluded.seen_until > o.seen_until AND NOT o.closed

-- name: close_observation
-- The connection is gone: what comes after the last canary is blind.
UPDATE observation SET closed = true WHERE lane = $1 AND seen_from = $2

-- name: states_of_lanes
-- Until when each lane in use could see (empty when its last connection has ended), and was judged.
SELECT u.lane, o.seen_until, (
    SELECT CASE WHEN count(c.caught_up_at) = cardinality($1::text[]) THEN min(c.caught_up_at) END
    FROM reading_cursor AS c
    WHERE c.lane = u.lane AND c.reading = ANY($1)
) AS read_until
FROM lane_in_use AS u
LEFT JOIN LATERAL (
    SELECT CASE WHEN n.closed THEN NULL ELSE n.seen_until END AS seen_until
    FROM observation AS n
    WHERE n.lane = u.lane
    ORDER BY n.seen_from DESC
    LIMIT 1
) AS o ON true
ORDER BY u.lane

-- name: registered_codes
-- The codes of all registered municipalities.
SELECT code FROM public_municipality

-- name: lanes_for
-- The lanes of municipalities, registered or not.
SELECT code, lane_for(code) AS lane FROM unnest($1::text[]) AS t (code)

-- name: lane_count
-- How many lanes the log has.
SELECT count(*) FROM lane
