-- name: municipalities
-- The codes of all municipalities.
SELECT code FROM public_municipality ORDER BY code
