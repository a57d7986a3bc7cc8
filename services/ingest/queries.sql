-- name: spooling_devices
-- The devices of the lane that wait for receipts.
SELECT municipality, device FROM device_spool WHERE spool

-- name: lane_registry
-- The devices of the lane, to judge by.
SELECT municipality, id, kind, lifecycle, codec, topic_identity FROM device

-- name: lane_registry_fingerprint
-- What the lane's part of the registry says, in one number: another one when any of it has changed.
SELECT coalesce(sum(hash_record_extended(r, 0)), 0)::text
FROM (
    SELECT municipality, id, kind, lifecycle, codec, topic_identity FROM device
    UNION ALL
    SELECT code, NULL, NULL, NULL, NULL, NULL FROM municipality
    UNION ALL
    SELECT municipality, device, 'spool', NULL, NULL, NULL FROM device_spool WHERE spool
) AS r

-- name: lane_municipalities
-- The municipalities of the lane.
SELECT code FROM municipality ORDER BY code

-- name: owners_of_devices
-- The municipalities that device names belong to, anywhere in the installation.
SELECT id, municipality FROM given_name WHERE kind = 'device' AND id = ANY($1::text[])
