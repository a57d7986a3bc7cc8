-- name: lanes
-- Lanes with their newest position, when one last saw, who holds them, and when the newest event came that whoever
-- asks may see. That is looked for among the newest only: further back it would cost a walk through the log.
SELECT
    l.lane, l.head, o.seen_until, coalesce(NOT o.closed, false) AS open,
    g.holder AS gateway, g.since AS gateway_since, w.holder AS worker, w.since AS worker_since,
    (
        SELECT e.received_at FROM event AS e
        WHERE e.lane = l.lane AND e.position > l.head - 200
        ORDER BY e.position DESC
        LIMIT 1
    ) AS newest_at
FROM lane AS l
LEFT JOIN LATERAL (
    SELECT b.seen_until, b.closed FROM observation AS b WHERE b.lane = l.lane ORDER BY b.seen_from DESC LIMIT 1
) AS o ON true
LEFT JOIN lane_lease AS g ON g.part = 'gateway' AND g.lane = l.lane
LEFT JOIN lane_lease AS w ON w.part = 'worker' AND w.lane = l.lane
WHERE l.lane = ANY($1::smallint[])
ORDER BY l.lane

-- name: places
-- How many events each of these readings has before it in each of these lanes, and when it had last read everything.
SELECT r.reading, l.lane, greatest(l.head - coalesce(c.position, 0), 0) AS behind, c.caught_up_at
FROM lane AS l
CROSS JOIN unnest($2::text[]) AS r (reading)
LEFT JOIN reading_cursor AS c ON c.reading = r.reading AND c.lane = l.lane
WHERE l.lane = ANY($1::smallint[])
ORDER BY r.reading, l.lane

-- name: server
-- Which PostgreSQL it is, and whether what it confirms is on disk.
SELECT
    split_part(current_setting('server_version'), ' ', 1) AS version,
    current_setting('synchronous_commit') AS synchronous_commit

-- name: look_by_index
-- The newest of a lane are the last of an index: to fetch all of the lane and sort it would cost what the lane holds.
SET LOCAL enable_bitmapscan = off

-- name: refusals
-- Dead letters since an instant by reason, most often first, as far as whoever asks may see them; of each lane the
-- newest so many are looked at, so that a flood of them costs no more than that. Whether there may be more is said too.
SELECT n.reason, count(*) AS letters, max(max(n.place)) OVER () = $2 AS more
FROM lane AS l
CROSS JOIN LATERAL (
    SELECT d.reason, d.received_at, row_number() OVER (ORDER BY d.id DESC) AS place
    FROM (SELECT * FROM dead_letter AS x WHERE x.lane = l.lane ORDER BY x.id DESC LIMIT $2) AS d
) AS n
WHERE n.received_at >= $1
GROUP BY n.reason
ORDER BY count(*) DESC, n.reason
