-- name: municipalities
-- The municipalities in scope, with their lane.
SELECT name, lane FROM municipality ORDER BY name
