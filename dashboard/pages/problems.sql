-- name: dead_letters
-- The newest dead letters in scope, before an id when paging.
SELECT id, municipality, device, topic, reason, detail, received_at, size, payload, replayable
FROM dead_letter
WHERE ($1::bigint IS NULL OR id < $1)
ORDER BY id DESC
LIMIT $2

-- name: reasons
-- How often each reason occurred lately, most often first.
SELECT reason, count(*) AS letters
FROM dead_letter
WHERE received_at > $1
GROUP BY reason
ORDER BY count(*) DESC, reason
