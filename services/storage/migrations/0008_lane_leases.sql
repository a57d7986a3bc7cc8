-- Processes share the lanes by lease (docs/decisions/0023-lanes-by-lease.md).

-- Processes at work, one row each for as long as it lives: who hears no new beat of it for a while buries it.
CREATE TABLE lane_holder (
    id uuid PRIMARY KEY,
    part text NOT NULL CHECK (part ~ '^[a-z]{3,16}$'),
    beat bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Who works in a lane, for each part of the program. No reference to `lane`: its row is locked at every commit.
CREATE TABLE lane_lease (
    part text NOT NULL,
    lane smallint NOT NULL,
    holder uuid NOT NULL REFERENCES lane_holder ON DELETE CASCADE,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (part, lane)
);
CREATE INDEX ON lane_lease (holder);

-- Raised whenever another gateway takes the lane: a writer that names an older one has lost it.
ALTER TABLE lane ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

-- Takes the lane's row lock in the name of an epoch, or ends the transaction when the lane was taken since. A process
-- that is frozen with the lock in its hand is thrown out soon, so that another can go on.
CREATE FUNCTION hold_lane_as(mine bigint) RETURNS void LANGUAGE plpgsql SET search_path = bypunkt, pg_temp AS $$
BEGIN
    PERFORM FROM lane AS l WHERE l.lane = scope_lane() AND l.epoch = mine FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process has taken the lane' USING ERRCODE = 'BY001';
    END IF;
    PERFORM set_config('idle_in_transaction_session_timeout', '4s', true);
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON lane_holder, lane_lease TO bypunkt_ingest, bypunkt_worker;
GRANT SELECT ON lane_holder, lane_lease TO bypunkt_web;
GRANT UPDATE (epoch) ON lane TO bypunkt_ingest;
