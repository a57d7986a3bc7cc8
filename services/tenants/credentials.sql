-- name: live_credential
-- The password that a device has now: its number and since when.
SELECT generation, created_at FROM device_credential
WHERE municipality = $1 AND device = $2 AND revoked_at IS NULL

-- name: revoke_credential
-- Take a device's password away, and forget its hash.
UPDATE device_credential SET password_hash = NULL, revoked_at = now()
WHERE municipality = $1 AND device = $2 AND revoked_at IS NULL

-- name: give_credential
-- Give a device its next password.
INSERT INTO device_credential (municipality, device, generation, password_hash)
SELECT $1, $2, coalesce(max(generation), 0) + 1, $3 FROM device_credential WHERE municipality = $1 AND device = $2
RETURNING generation

-- name: devices_to_sign_in
-- Every device of the municipalities in scope, and the password that it has now, if it has one.
SELECT d.municipality, d.id AS device, d.lifecycle, d.synthetic, c.generation, c.password_hash
FROM device AS d
LEFT JOIN device_credential AS c ON c.municipality = d.municipality AND c.device = d.id AND c.revoked_at IS NULL
ORDER BY d.municipality, d.id

-- name: take_turn
-- Be the only one who tells the broker about accounts, until the transaction ends; false when somebody else is.
SELECT pg_try_advisory_xact_lock(7381240971)
