-- name: public_municipalities
-- All municipalities.
SELECT code, name, county, languages, seat_lat, seat_lon
FROM public_municipality

-- name: public_points
-- All points that are open to the public or paused.
SELECT municipality, id, kind, names, locality_names, lat, lon, opening_hours, services, status, synthetic,
    updated_at
FROM public_point

-- name: public_exceptions
-- The days from a given one on for which points have other hours.
SELECT municipality, point, day, opening_hours, reason
FROM public_hours_exception
WHERE day >= $1
ORDER BY municipality, point, day

-- name: public_device_states
-- The measured state of every active device that belongs to a point.
SELECT municipality, point, kind, state, reason, since, last_sign_at
FROM public_device_state
