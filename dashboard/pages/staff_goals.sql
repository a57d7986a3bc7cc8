-- name: municipalities
-- The municipalities in scope that a goal could be of.
SELECT code, name FROM municipality ORDER BY name

-- name: points
-- What the points in scope are called, closed ones too.
SELECT municipality, id, names FROM service_point
