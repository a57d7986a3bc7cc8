-- name: be_brief
-- A process that is frozen in the middle of the open transaction is thrown out of it soon.
SELECT set_config('idle_in_transaction_session_timeout', '2s', true)

-- name: beat
-- Say that this process lives; the first time, or when it was buried meanwhile, it is new (beat 0).
INSERT INTO lane_holder AS h (id, part) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET beat = h.beat + 1
RETURNING h.beat = 0

-- name: bury
-- Forget processes that have said nothing since these beats, and with them what they held; who speaks just now lives.
DELETE FROM lane_holder
WHERE id IN (
    SELECT h.id
    FROM lane_holder AS h
    JOIN unnest($1::uuid[], $2::bigint[]) AS silent (id, beat) ON silent.id = h.id AND silent.beat = h.beat
    FOR UPDATE OF h SKIP LOCKED
)
RETURNING id

-- name: roll
-- The processes of a part, with their beats.
SELECT id, beat FROM lane_holder WHERE part = $1

-- name: held_lanes
-- Who holds which lane of a part, and the lane's epoch.
SELECT h.lane, h.holder, l.epoch
FROM lane_lease AS h
JOIN lane AS l ON l.lane = h.lane
WHERE h.part = $1

-- name: take_lanes
-- Take lanes that nobody holds; nothing for a process that was buried a moment ago.
WITH me AS (SELECT h.id FROM lane_holder AS h WHERE h.id = $2 FOR KEY SHARE)

INSERT INTO lane_lease (part, lane, holder)
SELECT $1, t.lane, me.id FROM me CROSS JOIN unnest($3::smallint[]) AS t (lane) ORDER BY t.lane
ON CONFLICT DO NOTHING
RETURNING lane

-- name: take_lanes_to_write
-- Take lanes that nobody holds and nobody is just writing to; whoever held one before can no longer write to it.
WITH me AS (SELECT h.id FROM lane_holder AS h WHERE h.id = $2 FOR KEY SHARE),

free AS (
    SELECT l.lane
    FROM lane AS l
    WHERE l.lane = ANY($3::smallint[])
        AND NOT EXISTS (SELECT FROM lane_lease AS h WHERE h.part = $1 AND h.lane = l.lane)
    ORDER BY l.lane
    FOR NO KEY UPDATE SKIP LOCKED
),

taken AS (
    INSERT INTO lane_lease (part, lane, holder) SELECT $1, f.lane, me.id FROM me CROSS JOIN free AS f
    ON CONFLICT DO NOTHING
    RETURNING lane
)

UPDATE lane AS l SET epoch = l.epoch + 1 FROM taken AS t WHERE l.lane = t.lane RETURNING l.lane

-- name: release_lanes
-- Give lanes back.
DELETE FROM lane_lease WHERE part = $1 AND holder = $2 AND lane = ANY($3::smallint[]) RETURNING lane

-- name: leave
-- This process ends, and gives back whatever it still holds.
DELETE FROM lane_holder WHERE id = $1

-- name: announce_lanes
-- Tell the others of a part that there may be something to take or to give.
SELECT pg_notify('bypunkt_lanes', $1::text)
