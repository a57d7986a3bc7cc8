-- name: municipality_codes
-- The municipalities in scope that are registered.
SELECT code FROM municipality

-- name: put_municipality
-- Register a municipality, or correct what is known of it; its lane is given once.
INSERT INTO municipality (code, name, county, county_code, seat_lat, seat_lon, languages, in_pilot, lane)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, lane_for($1))
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, county = excluded.county, county_code = excluded.county_code,
    seat_lat = excluded.seat_lat, seat_lon = excluded.seat_lon, languages = excluded.languages,
    in_pilot = excluded.in_pilot

-- name: put_locality
-- Register a place in a municipality.
INSERT INTO locality (municipality, id, names, lat, lon, service_level, synthetic)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (municipality, id) DO UPDATE
SET names = excluded.names, lat = excluded.lat, lon = excluded.lon, service_level = excluded.service_level

-- name: claim_names
-- Give names to municipalities, once and for ever.
INSERT INTO given_name (kind, id, municipality)
SELECT $1, t.id, t.municipality FROM unnest($2::text[], $3::text[]) AS t (id, municipality)
ON CONFLICT (kind, id) DO NOTHING

-- name: foreign_names
-- Names that were given to another municipality before.
SELECT g.id, g.municipality
FROM unnest($2::text[], $3::text[]) AS t (id, municipality)
JOIN given_name AS g ON g.kind = $1 AND g.id = t.id
WHERE g.municipality <> t.municipality
ORDER BY g.id

-- name: put_point
-- Register a service point, or correct what is known of it.
INSERT INTO service_point (
    municipality, id, kind, names, locality, lat, lon, opening_hours, services, status, synthetic
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (municipality, id) DO UPDATE
SET kind = excluded.kind, names = excluded.names, locality = excluded.locality, lat = excluded.lat,
    lon = excluded.lon, opening_hours = excluded.opening_hours, services = excluded.services,
    status = excluded.status, synthetic = excluded.synthetic, updated_at = now()

-- name: put_device
-- Register a device, or correct what is known of it.
INSERT INTO device (
    municipality, id, kind, point, codec, topic_identity, expected_interval_s, offline_after_s, lifecycle, synthetic
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, 'active'), $10)
ON CONFLICT (municipality, id) DO UPDATE
SET kind = excluded.kind, point = excluded.point, codec = excluded.codec,
    topic_identity = excluded.topic_identity, expected_interval_s = excluded.expected_interval_s,
    offline_after_s = excluded.offline_after_s, lifecycle = coalesce($9, device.lifecycle),
    synthetic = excluded.synthetic, updated_at = now()

-- name: point_names
-- The service points of the municipalities in scope.
SELECT municipality, id FROM service_point

-- name: retired_devices
-- The devices in scope that are out of use for good.
SELECT id FROM device WHERE lifecycle = 'retired'

-- name: announce_registry
-- Tell gateways and pages that the registry changed.
SELECT pg_notify('bypunkt_registry', '')

-- name: devices
-- The devices of the municipalities in scope.
SELECT municipality, id, kind, point, codec, expected_interval_s, offline_after_s, lifecycle, synthetic, registered_at
FROM device
ORDER BY municipality, id

-- name: set_lifecycle
-- Move a device in its life cycle.
UPDATE device SET lifecycle = $2, updated_at = now() WHERE id = $1 RETURNING municipality
