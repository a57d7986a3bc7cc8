-- name: partitions
-- The partitions of the log, oldest first.
SELECT name, retention, starts_at, ends_at, bytes, rows FROM event_partition ORDER BY starts_at, retention

-- name: erase_short
-- Erase what events of the class `short` say, some at a time, once every reading has read them.
SELECT erase_short_events($1, $2, $3)

-- name: drop_partition
-- Let a partition go that holds exactly so many events, all of them read.
SELECT drop_event_partition($1, $2, $3)

-- name: drop_dead_letters
-- Let old dead letters go, some at a time.
SELECT drop_dead_letters($1, $2)
