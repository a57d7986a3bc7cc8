-- Who we are: the installation, its lanes, and the municipalities with what stands in them.
-- Runs as bypunkt_owner in the schema bypunkt. Run-time roles own nothing (rule R23).

-- The tenant or lane that the open transaction works for; set by services/storage/database.py.
CREATE FUNCTION scope_lane() RETURNS smallint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('bypunkt.lane', true), '')::smallint $$;

CREATE FUNCTION scope_municipalities() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(nullif(current_setting('bypunkt.municipalities', true), ''), ',') $$;

CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- keys the fingerprints of payloads that may not be kept (rule R8)
    fingerprint_key bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
);
INSERT INTO installation DEFAULT VALUES;

-- One row a lane: `head` is the position of its newest event, taken under this row's lock.
CREATE TABLE lane (
    lane smallint PRIMARY KEY CHECK (lane >= 0),
    head bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- A municipality's lane is a hash of its code and never changes.
CREATE FUNCTION lane_for(code text) RETURNS smallint LANGUAGE sql STABLE AS
$$ SELECT ((('x' || substr(md5(code), 1, 7))::bit(28)::int) % (SELECT count(*) FROM lane))::smallint $$;

CREATE TABLE municipality (
    code text PRIMARY KEY CHECK (code ~ '^[0-9]{4}$'),
    name text NOT NULL,
    county text NOT NULL,
    county_code text NOT NULL CHECK (county_code ~ '^[0-9]{2}$'),
    seat_lat double precision NOT NULL,
    seat_lon double precision NOT NULL,
    languages text[] NOT NULL DEFAULT '{sv}',
    in_pilot boolean NOT NULL DEFAULT false,
    lane smallint NOT NULL REFERENCES lane,
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON municipality (lane);

-- The lanes that there is work in; runs with its owner's rights, since it is read before any lane is chosen.
CREATE VIEW lane_in_use AS SELECT DISTINCT lane FROM municipality;

-- Names once given stay with their municipality for ever, also when the thing is gone (a name is never reused).
CREATE TABLE given_name (
    kind text NOT NULL CHECK (kind IN ('device', 'point')),
    id text NOT NULL CHECK (id ~ '^[a-z0-9-]{3,64}$'),
    municipality text NOT NULL REFERENCES municipality,
    given_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);

CREATE TABLE locality (
    municipality text NOT NULL REFERENCES municipality,
    id text NOT NULL CHECK (id ~ '^[a-z0-9-]{2,64}$'),
    names jsonb NOT NULL,
    lat double precision,
    lon double precision,
    service_level text CHECK (service_level IN ('centralort', 'serviceort', 'servicenod', 'servicepunktsort', 'by')),
    synthetic boolean NOT NULL DEFAULT false,
    PRIMARY KEY (municipality, id)
);

CREATE TABLE service_point (
    municipality text NOT NULL REFERENCES municipality,
    id text NOT NULL CHECK (id ~ '^[a-z0-9-]{3,64}$'),
    kind text NOT NULL CHECK (kind IN ('fixed', 'mobile', 'digital')),
    names jsonb NOT NULL,
    locality text,
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    lon double precision CHECK (lon BETWEEN -180 AND 180),
    opening_hours text,
    services text[] NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('planned', 'pilot', 'active', 'paused', 'closed')),
    synthetic boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (municipality, id),
    FOREIGN KEY (municipality, locality) REFERENCES locality
);

CREATE TABLE device (
    municipality text NOT NULL REFERENCES municipality,
    id text NOT NULL CHECK (id ~ '^[a-z0-9-]{3,64}$'),
    kind text NOT NULL CHECK (kind IN ('hotspot', 'kiosk', 'tracker', 'loan_computer', 'locker', 'ground_station', 'gateway')),
    point text,
    codec text NOT NULL DEFAULT 'native',
    topic_identity text,
    expected_interval_s integer NOT NULL DEFAULT 60 CHECK (expected_interval_s BETWEEN 1 AND 86400),
    offline_after_s integer NOT NULL CHECK (offline_after_s BETWEEN 2 AND 604800),
    lifecycle text NOT NULL DEFAULT 'active' CHECK (lifecycle IN ('registered', 'active', 'suspended', 'retired')),
    synthetic boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (municipality, id),
    FOREIGN KEY (municipality, point) REFERENCES service_point
);
CREATE INDEX ON device (municipality, point);

-- People and their sessions. `municipality` is empty for those who work for the whole installation or network.
CREATE TABLE person (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    login text NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 3 AND 128),
    municipality text REFERENCES municipality,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'technician', 'municipal_admin', 'network', 'installation_admin')),
    password_hash text NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((municipality IS NULL) = (role IN ('network', 'installation_admin')))
);

CREATE TABLE web_session (
    -- only a hash of the cookie's value is kept
    token_hash bytea PRIMARY KEY,
    person uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON web_session (person);
