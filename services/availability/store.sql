-- name: figures
-- Sums over some days of all subjects of a kind that may be seen: the days from $2 to $3, the months from $4 to $5, the
-- days from $6 to $7; and until when days were counted anywhere as this was read.
SELECT
    p.municipality, p.subject, sum(p.days)::bigint AS days,
    sum(p.up_ms)::bigint AS up_ms, sum(p.degraded_ms)::bigint AS degraded_ms, sum(p.lost_ms)::bigint AS lost_ms,
    sum(p.down_ms)::bigint AS down_ms, sum(p.blind_ms)::bigint AS blind_ms,
    sum(p.maintenance_ms)::bigint AS maintenance_ms, sum(p.open_up_ms)::bigint AS open_up_ms,
    sum(p.open_degraded_ms)::bigint AS open_degraded_ms, sum(p.open_lost_ms)::bigint AS open_lost_ms,
    sum(p.open_down_ms)::bigint AS open_down_ms, sum(p.open_blind_ms)::bigint AS open_blind_ms,
    sum(p.open_maintenance_ms)::bigint AS open_maintenance_ms, sum(p.hours_days) = sum(p.days) AS hours_known,
    sum(p.outages)::bigint AS outages, (SELECT max(l.counted_until) FROM availability_lane AS l) AS counted_until
FROM (
    SELECT
        m.municipality, m.subject, m.days, m.up_ms, m.degraded_ms, m.lost_ms, m.down_ms, m.blind_ms, m.maintenance_ms,
        m.open_up_ms, m.open_degraded_ms, m.open_lost_ms, m.open_down_ms, m.open_blind_ms, m.open_maintenance_ms,
        m.hours_days, m.outages
    FROM availability_month AS m
    WHERE m.kind = $1 AND m.month BETWEEN $4::date AND $5::date
    UNION ALL
    SELECT
        d.municipality, d.subject, count(*)::int, sum(d.up_ms), sum(d.degraded_ms), sum(d.lost_ms), sum(d.down_ms),
        sum(d.blind_ms), sum(d.maintenance_ms), sum(d.open_up_ms), sum(d.open_degraded_ms), sum(d.open_lost_ms),
        sum(d.open_down_ms), sum(d.open_blind_ms), sum(d.open_maintenance_ms),
        count(*) FILTER (WHERE d.hours_known)::int, sum(d.outages)::int
    FROM availability_day AS d
    WHERE d.kind = $1 AND d.day BETWEEN $2::date AND $3::date
    GROUP BY d.municipality, d.subject
    UNION ALL
    SELECT
        d.municipality, d.subject, count(*)::int, sum(d.up_ms), sum(d.degraded_ms), sum(d.lost_ms), sum(d.down_ms),
        sum(d.blind_ms), sum(d.maintenance_ms), sum(d.open_up_ms), sum(d.open_degraded_ms), sum(d.open_lost_ms),
        sum(d.open_down_ms), sum(d.open_blind_ms), sum(d.open_maintenance_ms),
        count(*) FILTER (WHERE d.hours_known)::int, sum(d.outages)::int
    FROM availability_day AS d
    WHERE d.kind = $1 AND d.day BETWEEN $6::date AND $7::date
    GROUP BY d.municipality, d.subject
) AS p
-- A name is given once in the installation: no point of another municipality bears it.
WHERE $8::text[] IS NULL OR (p.municipality = ANY ($8) AND p.subject = ANY ($9::text[]))
GROUP BY p.municipality, p.subject

-- name: days
-- The days of one subject, in order.
SELECT
    day, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms,
    open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages, rule, version, computed_at
FROM availability_day
WHERE municipality = $1 AND kind = $2 AND subject = $3 AND day BETWEEN $4 AND $5
ORDER BY day

-- name: versions
-- What days of one subject said before, in order.
SELECT day, version, replaced_at, figures
FROM availability_day_before
WHERE municipality = $1 AND kind = $2 AND subject = $3 AND day BETWEEN $4 AND $5
ORDER BY day, version

-- name: counted_anywhere
-- Until which day (not included) days are counted anywhere.
SELECT max(l.counted_until) FROM availability_lane AS l

-- name: counted_until
-- Until which day (not included) the days of all lanes that may be seen are counted; null: some lane is not counted yet.
SELECT CASE WHEN count(a.counted_until) = count(*) THEN min(a.counted_until) END AS counted_until
FROM municipality AS m
LEFT JOIN availability_lane AS a ON a.lane = m.lane
