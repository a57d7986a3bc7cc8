-- name: summaries
-- The days from $1 to before $3 of every public point, in order and by their number; their sums, and the sums since $2.
SELECT
    a.municipality, a.subject AS point,
    array_agg(a.day - $1 ORDER BY a.day) AS numbers,
    array_agg(a.up_ms + a.degraded_ms ORDER BY a.day) AS available,
    array_agg(a.lost_ms + a.down_ms ORDER BY a.day) AS unavailable,
    array_agg(a.blind_ms ORDER BY a.day) AS blind,
    array_agg(a.maintenance_ms ORDER BY a.day) AS maintenance,
    array_agg(
        a.hours_known AND a.open_up_ms + a.open_degraded_ms + a.open_lost_ms + a.open_down_ms + a.open_blind_ms
            + a.open_maintenance_ms = 0
        ORDER BY a.day
    ) AS closed,
    array_agg(a.outages ORDER BY a.day) AS outages,
    ARRAY[
        sum(a.up_ms), sum(a.degraded_ms), sum(a.lost_ms), sum(a.down_ms), sum(a.blind_ms), sum(a.maintenance_ms)
    ]::bigint[] AS long_times,
    ARRAY[
        coalesce(sum(a.up_ms) FILTER (WHERE a.day >= $2), 0), coalesce(sum(a.degraded_ms) FILTER (WHERE a.day >= $2), 0),
        coalesce(sum(a.lost_ms) FILTER (WHERE a.day >= $2), 0), coalesce(sum(a.down_ms) FILTER (WHERE a.day >= $2), 0),
        coalesce(sum(a.blind_ms) FILTER (WHERE a.day >= $2), 0),
        coalesce(sum(a.maintenance_ms) FILTER (WHERE a.day >= $2), 0)
    ]::bigint[] AS short_times
FROM public_availability_day AS a
WHERE a.day >= $1 AND a.day < $3
GROUP BY a.municipality, a.subject

-- name: announced
-- Work that is planned on points and municipalities and may not be over yet, by its Swedish wall-clock times.
SELECT municipality, point, starts, ends, rule, reason
FROM public_maintenance
WHERE rule IS NOT NULL OR ends > $1::timestamp

-- name: days_of_point
-- The days of a public point from $3 to before $4, in order, with all that figures are made of.
SELECT
    day, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms,
    open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages, version
FROM public_availability_day
WHERE municipality = $1 AND subject = $2 AND day >= $3 AND day < $4
ORDER BY day
