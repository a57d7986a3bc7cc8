-- One append-only log of canonical events, and what could not be taken into it.

-- Unique by (municipality, device, at, id): `retention` is in the key only because it is the partition column;
-- services/log/queries.sql keeps the narrower promise under the lane's lock (docs/decisions/0004).
CREATE TABLE event (
    municipality text NOT NULL,
    device text NOT NULL,
    at timestamptz NOT NULL,
    id text NOT NULL,
    retention text NOT NULL CHECK (retention IN ('short', 'standard', 'long')),
    lane smallint NOT NULL,
    position bigint NOT NULL,
    type text NOT NULL,
    received_at timestamptz NOT NULL,
    time timestamptz,
    boot text,
    conn text,
    seq bigint,
    data jsonb NOT NULL,
    PRIMARY KEY (municipality, device, at, id, retention)
) PARTITION BY LIST (retention);
CREATE INDEX event_by_position ON event (lane, position);
-- What a device is judged from (services/status/queries.sql, anchors): without these it would read a device's whole log.
CREATE INDEX event_heartbeats ON event (municipality, device, at)
    WHERE type = 'device.heartbeat' AND received_at - at <= interval '60 s';
CREATE INDEX event_births ON event (municipality, device, at)
    WHERE type = 'device.status' AND data ->> 'state' = 'online';

CREATE TABLE event_short PARTITION OF event FOR VALUES IN ('short') PARTITION BY RANGE (at);
CREATE TABLE event_standard PARTITION OF event FOR VALUES IN ('standard') PARTITION BY RANGE (at);
CREATE TABLE event_long PARTITION OF event FOR VALUES IN ('long') PARTITION BY RANGE (at);

-- Makes the partitions that events between two instants need: weeks for short, months for standard, years for long.
-- A leaf is made on its own and then attached, which locks nobody out: creating it as a partition would take the
-- whole log, and deadlock with its readers.
-- SECURITY DEFINER because a partition belongs to the owner, and no run-time role may own one.
CREATE FUNCTION make_event_partitions(first timestamptz, last timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bypunkt, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    made integer := 0;
    class record;
    edge timestamptz;
    leaf text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bypunkt.make_event_partitions'));
    FOR class IN
        SELECT * FROM (VALUES ('short', 'week', 'IYYY"w"IW'), ('standard', 'month', 'YYYY"m"MM'), ('long', 'year', 'YYYY'))
            AS c (name, unit, label)
    LOOP
        edge := date_trunc(class.unit, first);
        WHILE edge <= last LOOP
            leaf := format('event_%s_%s', class.name, to_char(edge, class.label));
            IF to_regclass(leaf) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', leaf, 'event_' || class.name);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    'event_' || class.name, leaf, edge, edge + ('1 ' || class.unit)::interval);
                made := made + 1;
            END IF;
            edge := edge + ('1 ' || class.unit)::interval;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION make_event_partitions(timestamptz, timestamptz) FROM PUBLIC;

-- What could not be stored, scrubbed of addresses; `payload` is empty where it may not be kept.
CREATE TABLE dead_letter (
    municipality text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    lane smallint NOT NULL,
    device text,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    event_id text,
    received_at timestamptz NOT NULL,
    size integer NOT NULL,
    fingerprint bytea NOT NULL,
    payload text,
    replayable boolean NOT NULL,
    PRIMARY KEY (municipality, id)
);
CREATE INDEX ON dead_letter (lane, id);

-- Devices that keep events on disk until we have said that they are stored.
CREATE TABLE device_spool (
    municipality text NOT NULL,
    device text NOT NULL,
    declared_at timestamptz NOT NULL,
    spool boolean NOT NULL,
    PRIMARY KEY (municipality, device),
    FOREIGN KEY (municipality, device) REFERENCES device
);

-- When a lane's whole way (broker, gateway, database) was proven by a canary message; all other time is blind.
CREATE TABLE observation (
    lane smallint NOT NULL REFERENCES lane,
    seen_from timestamptz NOT NULL,
    seen_until timestamptz NOT NULL CHECK (seen_until >= seen_from),
    closed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lane, seen_from)
) WITH (fillfactor = 50);

-- How far each reading has come in each lane, kept in the same transaction as what it wrote; `caught_up_at` is the
-- last moment at which it had read everything: a worker that stands still must not look like a village that works.
CREATE TABLE reading_cursor (
    reading text NOT NULL,
    lane smallint NOT NULL REFERENCES lane,
    position bigint NOT NULL DEFAULT 0,
    caught_up_at timestamptz,
    PRIMARY KEY (reading, lane)
) WITH (fillfactor = 50);
