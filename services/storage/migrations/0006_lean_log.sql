-- A log that costs less to write and to keep (docs/decisions/0021).

-- The list of partitions says the same.
-- squawk-ignore ban-drop-constraint
ALTER TABLE event DROP CONSTRAINT event_retention_check;
-- Every partition has a key of its own now, made with it: a key of the whole log has to hold `retention`, which is the
-- same in all of a partition, and an id is much longer than its hash.
-- squawk-ignore ban-drop-constraint
ALTER TABLE event DROP CONSTRAINT event_pkey;

-- As before: weeks for short, months for standard, years for long, each made on its own and then attached. New is the
-- key, and the order of the columns: those of fixed width first, which need no padding and are found without a search.
CREATE OR REPLACE FUNCTION make_event_partitions(first timestamptz, last timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    made integer := 0;
    class record;
    edge timestamptz;
    leaf text;
    columns text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bypunkt.make_event_partitions'));
    SELECT string_agg(
        format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        ', ' ORDER BY a.attlen < 0, a.attlen DESC, NOT a.attnotnull, a.attnum
    ) INTO columns
    FROM pg_attribute AS a
    WHERE a.attrelid = 'event'::regclass AND a.attnum > 0 AND NOT a.attisdropped;
    FOR class IN
        SELECT * FROM (VALUES ('short', 'week', 'IYYY"w"IW'), ('standard', 'month', 'YYYY"m"MM'), ('long', 'year', 'YYYY'))
            AS c (name, unit, label)
    LOOP
        edge := date_trunc(class.unit, first);
        WHILE edge <= last LOOP
            leaf := format('event_%s_%s', class.name, to_char(edge, class.label));
            IF to_regclass(leaf) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (%s)', leaf, columns);
                EXECUTE format('CREATE UNIQUE INDEX %I ON %I (municipality, device, at, hashtextextended(id, 0))',
                    leaf || '_key', leaf);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    'event_' || class.name, leaf, edge, edge + ('1 ' || class.unit)::interval);
                made := made + 1;
            END IF;
            edge := edge + ('1 ' || class.unit)::interval;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- What is empty is made anew; what has events gets the key.
DO $$
DECLARE
    leaf record;
    filled boolean;
    dropped integer := 0;
BEGIN
    FOR leaf IN SELECT t.relid, t.relid::text AS name FROM pg_partition_tree('event') AS t WHERE t.isleaf LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', leaf.name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE UNIQUE INDEX %I ON %s (municipality, device, at, hashtextextended(id, 0))',
                leaf.name || '_key', leaf.name);
        ELSE
            EXECUTE format('DROP TABLE %s', leaf.name);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    IF dropped > 0 THEN
        PERFORM make_event_partitions(now() - interval '31 days', now() + interval '35 days');
    END IF;
END $$;

-- Whoever moves a lane's head has stored events: its readers are woken at the commit, once.
CREATE FUNCTION tell_readers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bypunkt_log', NEW.lane::text);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION tell_readers() FROM PUBLIC;
CREATE TRIGGER lane_moved AFTER UPDATE OF head ON lane
    FOR EACH ROW WHEN (OLD.head < NEW.head) EXECUTE FUNCTION tell_readers();
