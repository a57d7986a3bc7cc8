-- How long the log keeps what, and what it has let go of (docs/decisions/0025).

-- Imported history is written below position 0, downwards: before anything that was ever received live, so that readings
-- do not follow it as if it happened now, and count it when they are made again.
ALTER TABLE lane ADD COLUMN tail bigint NOT NULL DEFAULT 0;
GRANT UPDATE (tail) ON lane TO bypunkt_ingest;

-- From when on the log is whole, by municipality and class; no row: from the beginning.
CREATE TABLE log_horizon (
    municipality text NOT NULL REFERENCES municipality,
    retention text NOT NULL,
    kept_from timestamptz NOT NULL,
    PRIMARY KEY (municipality, retention)
);
ALTER TABLE log_horizon ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON log_horizon TO bypunkt_ingest, bypunkt_worker
    USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
    WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())));
CREATE POLICY of_tenant ON log_horizon FOR SELECT TO bypunkt_web
    USING (municipality = ANY ((SELECT scope_municipalities())::text[]));
GRANT SELECT ON log_horizon TO bypunkt_ingest, bypunkt_worker, bypunkt_web;
GRANT UPDATE (kept_from) ON log_horizon TO bypunkt_ingest;

-- From when on the log has every event of a municipality, as far as whoever asks may see it.
CREATE FUNCTION log_whole_from(code text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(max(h.kept_from), '-infinity') FROM log_horizon AS h WHERE h.municipality = code $$;

-- The partitions of the log: what they hold, and how large they are. `rows` is PostgreSQL's estimate.
CREATE VIEW event_partition AS
SELECT
    c.relname::text AS name,
    substr(p.relname, length('event_') + 1) AS retention,
    (regexp_match(b.bound, 'FROM \(''(.+?)''\)'))[1]::timestamptz AS starts_at,
    (regexp_match(b.bound, 'TO \(''(.+?)''\)'))[1]::timestamptz AS ends_at,
    pg_total_relation_size(c.oid) AS bytes,
    greatest(c.reltuples, 0)::bigint AS rows
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_class AS p ON p.oid = i.inhparent AND p.relname IN ('event_short', 'event_standard', 'event_long')
CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid)) AS b (bound)
WHERE p.relnamespace = 'bypunkt'::regnamespace AND NOT i.inhdetachpending;
GRANT SELECT ON event_partition TO bypunkt_worker, bypunkt_web;

-- How far all these readings (none: nobody reads) have come, by lane: what lies behind that may go.
CREATE FUNCTION read_by_all(readings text[]) RETURNS TABLE (lane smallint, upto bigint) LANGUAGE sql STABLE AS $$
    SELECT l.lane, CASE
        WHEN cardinality(readings) = 0 THEN 9223372036854775807
        WHEN count(c.reading) = cardinality(readings) THEN min(c.position) ELSE 0
    END
    FROM lane AS l
    LEFT JOIN reading_cursor AS c ON c.lane = l.lane AND c.reading = ANY (readings)
    GROUP BY l.lane
$$;
REVOKE ALL ON FUNCTION read_by_all(text[]) FROM PUBLIC;

-- What an event of the class `short` says is erased; that its device spoke then stays, since states rest on it.
-- Short events are few: only vehicles send them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX event_short_to_erase ON event_short (received_at) WHERE data <> '{}';
CREATE FUNCTION erase_short_events(received_before timestamptz, readings text[], most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    UPDATE event_short AS e SET data = '{}'
    FROM (
        SELECT s.tableoid, s.ctid
        FROM event_short AS s
        JOIN read_by_all(readings) AS r ON r.lane = s.lane AND s.position <= r.upto
        WHERE s.received_at < received_before AND s.data <> '{}'
        LIMIT most
    ) AS old
    WHERE e.tableoid = old.tableoid AND e.ctid = old.ctid;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END $$;
REVOKE ALL ON FUNCTION erase_short_events(timestamptz, text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_short_events(timestamptz, text[], integer) TO bypunkt_worker;

-- Takes a partition away whose end lies 40 days back or more: late events come for 30, dead letters are replayed for 7.
-- It has to hold exactly `expected` events (NULL: any), all of them read. No lock is waited for longer than 0.3 s: whoever reads or
-- writes queues up behind one who waits. The parent's lock comes first, as with readers and writers: no deadlock.
CREATE FUNCTION drop_event_partition(leaf text, expected bigint, readings text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp SET lock_timeout = '300ms' AS $$
DECLARE
    part record;
    held bigint;
    unread boolean;
BEGIN
    SELECT * INTO part FROM event_partition AS p WHERE p.name = leaf AND p.retention IN ('short', 'standard');
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition that is ever dropped', leaf USING ERRCODE = 'wrong_object_type';
    END IF;
    IF part.ends_at > now() - interval '40 days' THEN
        RAISE EXCEPTION '% may still get late events', leaf USING ERRCODE = 'object_in_use';
    END IF;
    EXECUTE format('SELECT count(*) FROM %I', leaf) INTO held;
    -- No expectation: whatever it holds may go.
    IF held <> expected THEN
        RAISE EXCEPTION '% holds % events, not %', leaf, held, expected USING ERRCODE = 'object_in_use';
    END IF;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM read_by_all($1) AS r CROSS JOIN LATERAL'
        ' (SELECT max(e.position) AS newest FROM %I AS e WHERE e.lane = r.lane) AS n WHERE n.newest > r.upto)', leaf
    ) INTO unread USING readings;
    IF unread THEN
        RAISE EXCEPTION '% holds events that a reading has not read', leaf USING ERRCODE = 'object_in_use';
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', 'event_' || part.retention);
    EXECUTE format('DROP TABLE %I', leaf);
    IF held > 0 THEN
        INSERT INTO log_horizon AS h (municipality, retention, kept_from)
        SELECT m.code, part.retention, part.ends_at FROM municipality AS m
        ON CONFLICT (municipality, retention) DO UPDATE SET kept_from = greatest(h.kept_from, excluded.kept_from);
    END IF;
END $$;
REVOKE ALL ON FUNCTION drop_event_partition(text, bigint, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_event_partition(text, bigint, text[]) TO bypunkt_worker;

-- Dead letters go by the batch, oldest first.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX dead_letter_by_receipt ON dead_letter (received_at);
CREATE FUNCTION drop_dead_letters(received_before timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp AS $$
DECLARE
    dropped integer;
BEGIN
    DELETE FROM dead_letter AS d
    USING (
        SELECT municipality, id FROM dead_letter WHERE received_at < received_before ORDER BY received_at LIMIT most
    ) AS old
    WHERE d.municipality = old.municipality AND d.id = old.id;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION drop_dead_letters(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_dead_letters(timestamptz, integer) TO bypunkt_worker;
