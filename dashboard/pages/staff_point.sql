-- name: point
-- One service point with its municipality and place.
SELECT
    p.municipality, p.id, p.kind, p.names, p.status, p.opening_hours, p.synthetic, l.names AS locality_names,
    m.name AS municipality_name, m.lane
FROM service_point AS p
JOIN municipality AS m ON m.code = p.municipality
LEFT JOIN locality AS l ON l.municipality = p.municipality AND l.id = p.locality
WHERE p.id = $1

-- name: devices
-- The devices that stand at a point now, with their measured state.
SELECT municipality, device, kind, point, lifecycle, state, reason, since, last_sign_at, revision
FROM judged_device_state
WHERE municipality = $1 AND point = $2 AND lifecycle <> 'retired'
ORDER BY device
