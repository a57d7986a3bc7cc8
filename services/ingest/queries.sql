-- name: declare_spools
-- Remember which devices keep their events until the receipt; an older declaration never replaces a newer one.
INSERT INTO device_spool AS s (municipality, device, declared_at, spool)
SELECT DISTINCT ON (t.municipality, t.device) t.municipality, t.device, t.declared_at, t.spool
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::boolean[]) AS t (municipality, device, declared_at, spool)
ORDER BY t.municipality, t.device, t.declared_at DESC
ON CONFLICT (municipality, device) DO UPDATE
SET declared_at = excluded.declared_at, spool = excluded.spool
WHERE excluded.declared_at >= s.declared_at

-- name: spooling_devices
-- The devices of the lane that wait for receipts.
SELECT municipality, device FROM device_spool WHERE spool

-- name: observe
-- A canary came back: this connection of the lane could see from its first canary until this one.
INSERT INTO observation AS o (lane, seen_from, seen_until) VALUES ($1, $2, $3)
ON CONFLICT (lane, seen_from) DO UPDATE SET seen_until = excluded.seen_until
WHERE excluded.seen_until > o.seen_until AND NOT o.closed

-- name: close_observation
-- The connection is gone: what comes after the last canary is blind.
UPDATE observation SET closed = true WHERE lane = $1 AND seen_from = $2

-- name: lane_registry
-- The devices of the lane, to judge by.
SELECT municipality, id, kind, lifecycle, codec, topic_identity FROM device

-- name: lane_municipalities
-- The municipalities of the lane.
SELECT code FROM municipality ORDER BY code

-- name: owners_of_devices
-- The municipalities that device names belong to, anywhere in the installation.
SELECT id, municipality FROM given_name WHERE kind = 'device' AND id = ANY($1::text[])
