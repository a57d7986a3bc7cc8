-- name: days
-- Use of a point by the local day, as far as days are counted. A day of a device belongs to where its end saw it.
WITH stays AS (
    SELECT
        p.device, p.point, local_day(p.since) AS begins,
        coalesce(lead(local_day(p.since)) OVER (PARTITION BY p.device ORDER BY p.since), 'infinity') AS ends
    FROM placement AS p
    WHERE p.municipality = $1 AND p.device IN (
        SELECT x.device FROM placement AS x WHERE x.municipality = $1 AND x.point = $2
    )
)

SELECT
    u.day, sum(u.down_bytes)::bigint AS down_bytes, sum(u.up_bytes)::bigint AS up_bytes,
    max(u.clients_max) AS clients_max, sum(u.sessions) AS sessions, sum(u.visitors) AS visitors,
    sum(u.kiosk_sessions) AS kiosk_sessions, sum(u.kiosk_views) AS kiosk_views
FROM stays AS s
JOIN usage_day AS u ON u.municipality = $1 AND u.device = s.device
WHERE s.point = $2 AND u.day BETWEEN $3 AND $4 AND u.day >= s.begins AND u.day < s.ends
GROUP BY u.day
ORDER BY u.day
