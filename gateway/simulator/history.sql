-- name: told_otherwise
-- Devices of the lane that have events between two instants which are not of the past to be told: their ids begin with
-- another mark than the one that is given for the device, or none is given.
SELECT d.municipality, d.id AS device
FROM device AS d
LEFT JOIN unnest($3::text[], $4::text[]) AS k (device, mark) ON k.device = d.id
WHERE EXISTS (
    SELECT FROM event AS e
    WHERE e.municipality = d.municipality AND e.device = d.id AND e.at >= $1 AND e.at < $2
        AND starts_with(e.id, k.mark) IS NOT TRUE
)
ORDER BY d.municipality, d.id

-- name: sights
-- When the lane was watched, from an instant on.
SELECT seen_from, seen_until, closed FROM observation WHERE lane = $1 AND seen_until > $2 ORDER BY seen_from
