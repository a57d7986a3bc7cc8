-- name: dead_letters
-- The newest dead letters in scope, before an id when paging, of one reason or device when asked.
SELECT id, municipality, device, topic, reason, detail, received_at, size, payload, replayable
FROM dead_letter
WHERE ($1::bigint IS NULL OR id < $1) AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR device = $4)
ORDER BY id DESC
LIMIT $2

-- name: known_devices
-- Which of these devices are in the registry and in scope.
SELECT id FROM device WHERE id = ANY($1::text[])

-- name: reasons
-- How often each reason occurred lately, of one device when asked, most often first.
SELECT reason, count(*) AS letters
FROM dead_letter
WHERE received_at > $1 AND ($2::text IS NULL OR device = $2)
GROUP BY reason
ORDER BY count(*) DESC, reason
