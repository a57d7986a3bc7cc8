-- What devices sign in to the broker with. A password is never kept: only its salted hash, in the form that Mosquitto
-- takes, so that the broker's own store can be written anew from here. A revoked hash is forgotten.
CREATE TABLE device_credential (
    municipality text NOT NULL,
    device text NOT NULL,
    -- counts up with each password: an account that the broker has from another generation is not to be trusted
    generation integer NOT NULL CHECK (generation >= 1),
    password_hash text CHECK (password_hash ~ '^\$7\$[0-9]+\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (municipality, device, generation),
    FOREIGN KEY (municipality, device) REFERENCES device,
    CHECK ((password_hash IS NULL) = (revoked_at IS NOT NULL))
);
-- One password a device.
CREATE UNIQUE INDEX device_credential_live ON device_credential (municipality, device) WHERE revoked_at IS NULL;

ALTER TABLE device_credential ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_lane ON device_credential FOR SELECT TO bypunkt_ingest
    USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())));
CREATE POLICY of_tenant ON device_credential TO bypunkt_web
    USING (municipality = ANY ((SELECT scope_municipalities())::text[]))
    WITH CHECK (municipality = ANY ((SELECT scope_municipalities())::text[]));

GRANT SELECT ON device_credential TO bypunkt_ingest;
-- The hash can be written on behalf of a municipality, and not read.
GRANT SELECT (municipality, device, generation, created_at, revoked_at), INSERT, UPDATE (password_hash, revoked_at)
    ON device_credential TO bypunkt_web;
