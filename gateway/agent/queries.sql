-- name: schema
-- One file a device: what waits for its receipt, which commands came, and what outlives a restart.
CREATE TABLE IF NOT EXISTS spool (
    number    INTEGER PRIMARY KEY,
    boot      TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    conn      TEXT,
    urgent    INTEGER NOT NULL,
    worth     INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    lived_ms  INTEGER NOT NULL,
    guess_ms  INTEGER,
    time_ms   INTEGER,
    settled   INTEGER NOT NULL,
    data      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS spool_urgent ON spool (number) WHERE urgent;
CREATE INDEX IF NOT EXISTS spool_least ON spool (worth, number);
CREATE TABLE IF NOT EXISTS boot (
    name      TEXT    PRIMARY KEY,
    before    INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS command (
    id        TEXT    PRIMARY KEY,
    name      TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    restarts  INTEGER NOT NULL,
    machine   TEXT    NOT NULL,
    lived_ms  INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS present (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    machine    TEXT    NOT NULL,
    boot       TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    lived_ms   INTEGER NOT NULL,
    power_ms   INTEGER NOT NULL,
    newest_ms  INTEGER NOT NULL,
    evicted    INTEGER NOT NULL,
    missed     INTEGER NOT NULL,
    expired    INTEGER NOT NULL
) STRICT;

-- name: present
-- What outlives a restart.
SELECT machine, boot, number, lived_ms, power_ms, newest_ms, evicted, missed, expired FROM present;

-- name: remember
-- Write down what outlives a restart.
INSERT OR REPLACE INTO present
    (one, machine, boot, number, lived_ms, power_ms, newest_ms, evicted, missed, expired)
VALUES (1, :machine, :boot, :number, :lived_ms, :power_ms, :newest_ms, :evicted, :missed, :expired);

-- name: boots
-- The starts of the machine from which there may be events, and the number before their first.
SELECT name, before FROM boot;

-- name: begin_boot
-- A new start of the machine.
INSERT INTO boot (name, before) VALUES (:name, :before);

-- name: forget_boots
-- Starts from which nothing is left.
DELETE FROM boot WHERE name <> :boot AND NOT EXISTS (SELECT 1 FROM spool WHERE spool.boot = boot.name);

-- name: extent
-- How many events there are, and how large they are.
SELECT count(*), coalesce(sum(size), 0) FROM spool;

-- name: add
-- Keep an event.
INSERT INTO spool
    (number, boot, seq, type, conn, urgent, worth, size, lived_ms, guess_ms, time_ms, settled, data)
VALUES
    (:number, :boot, :seq, :type, :conn, :urgent, :worth, :size, :lived_ms, :guess_ms, :time_ms, :settled, :data);

-- name: evict
-- Give up the oldest event of those that are worth least, and not more than the one for whose sake it goes.
DELETE FROM spool
WHERE number = (SELECT number FROM spool WHERE worth <= :worth ORDER BY worth, number LIMIT 1)
RETURNING number, size;

-- name: next_urgent
-- The next events that go before all others, without those that are on their way.
SELECT number, boot, seq, type, conn, urgent, lived_ms, guess_ms, time_ms, settled, data
FROM spool
WHERE urgent AND number NOT IN (SELECT value FROM json_each(:under_way))
ORDER BY number
LIMIT :room;

-- name: next
-- The next events by age, without those that are on their way; on request only those whose time is decided.
SELECT number, boot, seq, type, conn, urgent, lived_ms, guess_ms, time_ms, settled, data
FROM spool
WHERE NOT urgent AND number NOT IN (SELECT value FROM json_each(:under_way)) AND (settled OR NOT :settled_only)
ORDER BY number
LIMIT :room;

-- name: again
-- Events by number, if they are still here.
SELECT number, boot, seq, type, conn, urgent, lived_ms, guess_ms, time_ms, settled, data
FROM spool
WHERE number IN (SELECT value FROM json_each(:numbers))
ORDER BY urgent DESC, number;

-- name: settle
-- Decide an event's time, for ever.
UPDATE spool SET time_ms = :time_ms, settled = 1 WHERE number = :number AND NOT settled;

-- name: release
-- Let go of an event that is receipted.
DELETE FROM spool WHERE number = :number AND boot = :boot RETURNING size;

-- name: expire
-- Let go of what is older than the server takes, by the clock or by the time that the device was on.
DELETE FROM spool
WHERE lived_ms < :lived_before_ms OR (settled AND time_ms < :time_before_ms)
RETURNING number, size, boot, seq, type;

-- name: oldest
-- How long ago, in time that the device was on, the oldest event happened.
SELECT min(lived_ms) FROM spool;

-- name: note_command
-- Write a command down, once.
INSERT INTO command (id, name, state, restarts, machine, lived_ms)
VALUES (:id, :name, :state, :restarts, :machine, :lived_ms)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: finish_command
-- Write down what became of a command, once.
UPDATE command SET state = :state WHERE id = :id AND state = 'accepted' RETURNING id;

-- name: open_commands
-- Commands that were begun and have no end.
SELECT id, name, restarts, machine FROM command WHERE state = 'accepted' ORDER BY lived_ms, id;

-- name: forget_commands
-- Forget commands that ended long ago, but never the newest.
DELETE FROM command
WHERE state <> 'accepted' AND lived_ms < :lived_before_ms
    AND id NOT IN (SELECT id FROM command ORDER BY lived_ms DESC, id LIMIT :kept);
