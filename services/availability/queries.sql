-- name: begin_lane
-- Make sure that a lane has its row.
INSERT INTO availability_lane (lane) VALUES ($1) ON CONFLICT DO NOTHING

-- name: hold_lane
-- Take a lane, unless somebody is at it, and see until when its days are counted, and its devices judged in full: when the
-- reading `status` had last read everything. (`status_lane.as_of` stands still where nothing changes.)
-- The statements that follow are planned for what they are given and find their rows by key: a table that was empty when
-- it was last looked at may be large now.
SELECT
    a.counted_until, c.caught_up_at AS judged_until,
    set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
FROM availability_lane AS a
LEFT JOIN reading_cursor AS c ON c.reading = 'status' AND c.lane = a.lane
WHERE a.lane = $1
FOR UPDATE OF a SKIP LOCKED

-- name: put_lane
-- Remember until which day (not included) the lane's days are counted.
UPDATE availability_lane SET counted_until = $2 WHERE lane = $1

-- name: forget_untouched
-- Drop the stretches that only concern days which are not counted yet.
DELETE FROM availability_touched
WHERE $1::date IS NULL OR from_at >= $1::date::timestamp AT TIME ZONE 'Europe/Stockholm'

-- name: touched
-- What has changed since it was counted, oldest notes first: local days, the first and the last that may be concerned.
-- An outage that ends with a day has not begun on the next: so the day on which a stretch ends counts as well.
SELECT
    t.municipality, t.id, t.point, t.device,
    (greatest(t.from_at, '2000-01-01') AT TIME ZONE 'Europe/Stockholm')::date AS first,
    (least(t.until_at, $1::date::timestamp AT TIME ZONE 'Europe/Stockholm') AT TIME ZONE 'Europe/Stockholm')::date AS last
FROM availability_touched AS t
ORDER BY t.id
LIMIT $2

-- name: first_counted
-- The first day that is counted of anything in these municipalities.
SELECT min(f.day) AS day
FROM unnest($1::text[]) AS m (code)
CROSS JOIN unnest('{device,point}'::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT d.day
    FROM availability_day AS d
    WHERE d.municipality = m.code AND d.kind = k.kind
    ORDER BY d.day
    LIMIT 1
) AS f

-- name: touched_done
-- Drop what has been counted again.
DELETE FROM availability_touched AS t
USING unnest($1::text[], $2::bigint[]) AS k (municipality, id)
WHERE t.municipality = k.municipality AND t.id = k.id

-- name: touched_partly
-- What is left to be counted again begins on a later day.
UPDATE availability_touched AS t
SET from_at = $3::date::timestamp AT TIME ZONE 'Europe/Stockholm'
FROM unnest($1::text[], $2::bigint[]) AS k (municipality, id)
WHERE t.municipality = k.municipality AND t.id = k.id

-- name: stays
-- Where the devices that are asked for, and all that ever stood at a point with them, have stood since when; and the first
-- that is known of each. Asked: a device, a point, or (neither) a municipality; null: all that may be seen.
WITH asked AS MATERIALIZED (
    SELECT k.municipality, k.point, k.device
    FROM unnest($1::text[], $2::text[], $3::text[]) AS k (municipality, point, device)
),

named AS (
    SELECT a.municipality, a.device FROM asked AS a WHERE a.device IS NOT NULL
    UNION
    SELECT p.municipality, p.device
    FROM asked AS a
    JOIN placement AS p ON p.municipality = a.municipality AND p.point = a.point
    UNION
    SELECT p.municipality, p.device
    FROM asked AS a
    JOIN placement AS p ON p.municipality = a.municipality
    WHERE a.point IS NULL AND a.device IS NULL
    UNION
    SELECT p.municipality, p.device FROM placement AS p WHERE $1 IS NULL
),

points AS (
    SELECT DISTINCT p.municipality, p.point
    FROM named AS n
    JOIN placement AS p ON p.municipality = n.municipality AND p.device = n.device
    WHERE p.point IS NOT NULL
),

involved AS (
    SELECT n.municipality, n.device FROM named AS n
    UNION
    SELECT p.municipality, p.device
    FROM points AS x
    JOIN placement AS p ON p.municipality = x.municipality AND p.point = x.point
)

SELECT
    p.municipality, p.device, p.point, p.kind, p.in_service,
    floor(extract(epoch FROM greatest(p.since, 'epoch')) * 1000)::bigint AS since,
    floor(extract(epoch FROM f.starts_at) * 1000)::bigint AS first_at
FROM involved AS v
JOIN placement AS p ON p.municipality = v.municipality AND p.device = v.device
LEFT JOIN LATERAL (
    SELECT i.starts_at
    FROM status_interval AS i
    WHERE i.municipality = v.municipality AND i.device = v.device
    ORDER BY i.starts_at
    LIMIT 1
) AS f ON true
ORDER BY p.municipality, p.device, p.since

-- name: intervals
-- What was measured of devices, from the interval that holds or ends at an instant until before another.
SELECT
    k.municipality, k.device, i.state, i.reason,
    (extract(epoch FROM i.starts_at) * 1000)::bigint AS start, (extract(epoch FROM i.ends_at) * 1000)::bigint AS end
FROM unnest($1::text[], $2::text[]) AS k (municipality, device)
CROSS JOIN LATERAL (
    SELECT i.state, i.reason, i.starts_at, i.ends_at
    FROM status_interval AS i
    WHERE i.municipality = k.municipality AND i.device = k.device
        AND i.starts_at < $4 AND (i.ends_at IS NULL OR i.ends_at >= $3)
        -- The same once more by start, which the key knows: a year of intervals is not read for the last of them.
        AND i.starts_at >= coalesce((
            SELECT max(b.starts_at)
            FROM status_interval AS b
            WHERE b.municipality = k.municipality AND b.device = k.device AND b.starts_at < $3
        ), '-infinity')
    OFFSET 0
) AS i
ORDER BY k.municipality, k.device, i.starts_at

-- name: put_days
-- Store days of subjects, or (without figures) that there is no such day: what was there otherwise goes to the earlier
-- versions, and the difference to the months. What is there as it should be is not touched at all. Returned is how many
-- days were put there or taken away.
WITH given AS MATERIALIZED (
    SELECT *
    FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::date[],
        $6::int[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[],
        $12::int[], $13::int[], $14::int[], $15::int[], $16::int[], $17::int[], $18::boolean[], $19::int[]
    ) AS g (
        municipality, kind, subject, day, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
        open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
    )
),

held AS MATERIALIZED (
    SELECT h.*
    FROM given AS g
    CROSS JOIN LATERAL (
        SELECT *
        FROM availability_day AS d
        WHERE d.municipality = g.municipality AND d.kind = g.kind AND d.subject = g.subject AND d.day = g.day
        OFFSET 0
    ) AS h
),

changed AS MATERIALIZED (
    SELECT g.*, h.version AS old_version
    FROM given AS g
    LEFT JOIN held AS h
        ON h.municipality = g.municipality AND h.kind = g.kind AND h.subject = g.subject AND h.day = g.day
    WHERE (g.outages IS NOT NULL OR h.version IS NOT NULL) AND (
        h.rule, h.up_ms, h.degraded_ms, h.lost_ms, h.down_ms, h.blind_ms, h.maintenance_ms, h.open_up_ms,
        h.open_degraded_ms, h.open_lost_ms, h.open_down_ms, h.open_blind_ms, h.open_maintenance_ms, h.hours_known, h.outages
    ) IS DISTINCT FROM (
        $1::smallint, g.up_ms, g.degraded_ms, g.lost_ms, g.down_ms, g.blind_ms, g.maintenance_ms, g.open_up_ms,
        g.open_degraded_ms, g.open_lost_ms, g.open_down_ms, g.open_blind_ms, g.open_maintenance_ms, g.hours_known, g.outages
    )
),

old AS MATERIALIZED (
    SELECT h.*
    FROM changed AS c
    JOIN held AS h
        ON h.municipality = c.municipality AND h.kind = c.kind AND h.subject = c.subject AND h.day = c.day
),

kept AS (
    INSERT INTO availability_day_before (municipality, kind, subject, day, version, replaced_at, figures)
    SELECT
        o.municipality, o.kind, o.subject, o.day, o.version, $20,
        to_jsonb(o) - '{municipality,kind,subject,day,version}'::text[]
    FROM old AS o
),

gone AS MATERIALIZED (SELECT * FROM changed AS c WHERE c.outages IS NULL),

removed AS (
    DELETE FROM availability_day AS d
    USING gone AS g
    WHERE d.municipality = g.municipality AND d.kind = g.kind AND d.subject = g.subject AND d.day = g.day
),

put AS (
    INSERT INTO availability_day AS d (
        municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
        open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages,
        version, computed_at
    )
    SELECT
        c.municipality, c.kind, c.subject, c.day, $1, c.up_ms, c.degraded_ms, c.lost_ms, c.down_ms, c.blind_ms,
        c.maintenance_ms, c.open_up_ms, c.open_degraded_ms, c.open_lost_ms, c.open_down_ms, c.open_blind_ms,
        c.open_maintenance_ms, c.hours_known, c.outages, 1 + coalesce(c.old_version, b.version, 0), $20
    FROM changed AS c
    LEFT JOIN LATERAL (
        -- What was taken away and comes back goes on counting.
        SELECT max(e.version) AS version
        FROM availability_day_before AS e
        WHERE c.old_version IS NULL
            AND e.municipality = c.municipality AND e.kind = c.kind AND e.subject = c.subject AND e.day = c.day
    ) AS b ON true
    WHERE c.outages IS NOT NULL
    ON CONFLICT (municipality, kind, subject, day) DO UPDATE SET
        rule = excluded.rule, up_ms = excluded.up_ms, degraded_ms = excluded.degraded_ms, lost_ms = excluded.lost_ms,
        down_ms = excluded.down_ms, blind_ms = excluded.blind_ms, maintenance_ms = excluded.maintenance_ms,
        open_up_ms = excluded.open_up_ms, open_degraded_ms = excluded.open_degraded_ms,
        open_lost_ms = excluded.open_lost_ms, open_down_ms = excluded.open_down_ms,
        open_blind_ms = excluded.open_blind_ms, open_maintenance_ms = excluded.open_maintenance_ms,
        hours_known = excluded.hours_known, outages = excluded.outages, version = excluded.version,
        computed_at = excluded.computed_at
),

differences AS (
    SELECT
        x.municipality, x.kind, x.subject, date_trunc('month', x.day::timestamp)::date AS month, sum(x.days) AS days,
        sum(x.days * x.up_ms) AS up_ms, sum(x.days * x.degraded_ms) AS degraded_ms,
        sum(x.days * x.lost_ms) AS lost_ms, sum(x.days * x.down_ms) AS down_ms, sum(x.days * x.blind_ms) AS blind_ms,
        sum(x.days * x.maintenance_ms) AS maintenance_ms, sum(x.days * x.open_up_ms) AS open_up_ms,
        sum(x.days * x.open_degraded_ms) AS open_degraded_ms, sum(x.days * x.open_lost_ms) AS open_lost_ms,
        sum(x.days * x.open_down_ms) AS open_down_ms, sum(x.days * x.open_blind_ms) AS open_blind_ms,
        sum(x.days * x.open_maintenance_ms) AS open_maintenance_ms, sum(x.days * x.hours_known::int) AS hours_days,
        sum(x.days * x.outages) AS outages
    FROM (
        SELECT
            1 AS days,
            c.municipality, c.kind, c.subject, c.day, c.up_ms, c.degraded_ms, c.lost_ms, c.down_ms, c.blind_ms,
            c.maintenance_ms, c.open_up_ms, c.open_degraded_ms, c.open_lost_ms, c.open_down_ms, c.open_blind_ms,
            c.open_maintenance_ms, c.hours_known, c.outages
        FROM changed AS c
        WHERE c.outages IS NOT NULL
        UNION ALL
        SELECT
            -1 AS days,
            o.municipality, o.kind, o.subject, o.day, o.up_ms, o.degraded_ms, o.lost_ms, o.down_ms, o.blind_ms,
            o.maintenance_ms, o.open_up_ms, o.open_degraded_ms, o.open_lost_ms, o.open_down_ms, o.open_blind_ms,
            o.open_maintenance_ms, o.hours_known, o.outages
        FROM old AS o
    ) AS x
    GROUP BY x.municipality, x.kind, x.subject, date_trunc('month', x.day::timestamp)::date
),

months AS (
    INSERT INTO availability_month AS m (
        municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
        open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_days,
        outages, computed_at
    )
    SELECT
        d.municipality, d.kind, d.subject, d.month, d.days, d.up_ms, d.degraded_ms, d.lost_ms, d.down_ms, d.blind_ms,
        d.maintenance_ms, d.open_up_ms, d.open_degraded_ms, d.open_lost_ms, d.open_down_ms, d.open_blind_ms,
        d.open_maintenance_ms, d.hours_days, d.outages, $20
    FROM differences AS d
    ON CONFLICT (municipality, kind, subject, month) DO UPDATE SET
        days = m.days + excluded.days, up_ms = m.up_ms + excluded.up_ms,
        degraded_ms = m.degraded_ms + excluded.degraded_ms, lost_ms = m.lost_ms + excluded.lost_ms,
        down_ms = m.down_ms + excluded.down_ms, blind_ms = m.blind_ms + excluded.blind_ms,
        maintenance_ms = m.maintenance_ms + excluded.maintenance_ms, open_up_ms = m.open_up_ms + excluded.open_up_ms,
        open_degraded_ms = m.open_degraded_ms + excluded.open_degraded_ms,
        open_lost_ms = m.open_lost_ms + excluded.open_lost_ms, open_down_ms = m.open_down_ms + excluded.open_down_ms,
        open_blind_ms = m.open_blind_ms + excluded.open_blind_ms,
        open_maintenance_ms = m.open_maintenance_ms + excluded.open_maintenance_ms,
        hours_days = m.hours_days + excluded.hours_days, outages = m.outages + excluded.outages,
        computed_at = excluded.computed_at
)

SELECT count(*) FILTER (WHERE c.outages IS NOT NULL) AS put, count(*) FILTER (WHERE c.outages IS NULL) AS gone
FROM changed AS c

-- name: drop_empty_months
-- A month without days is none.
DELETE FROM availability_month WHERE days = 0

-- name: drop_months
-- Drop all months of a lane, for adding them up anew.
DELETE FROM availability_month

-- name: add_up_months
-- Add all months of a lane up from their days.
INSERT INTO availability_month (
    municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_days, outages,
    computed_at
)
SELECT
    d.municipality, d.kind, d.subject, date_trunc('month', d.day::timestamp)::date, count(*), sum(d.up_ms),
    sum(d.degraded_ms), sum(d.lost_ms), sum(d.down_ms), sum(d.blind_ms), sum(d.maintenance_ms), sum(d.open_up_ms),
    sum(d.open_degraded_ms), sum(d.open_lost_ms), sum(d.open_down_ms), sum(d.open_blind_ms),
    sum(d.open_maintenance_ms), sum(d.hours_known::int), sum(d.outages), $1
FROM availability_day AS d
GROUP BY d.municipality, d.kind, d.subject, date_trunc('month', d.day::timestamp)::date

-- name: held_days
-- The days that are stored of subjects, for holding them against what is counted afresh.
SELECT
    municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
FROM availability_day
WHERE municipality = ANY ($1) AND day BETWEEN $2 AND $3

-- name: wrong_months
-- Months that are not the sum of their days.
SELECT coalesce(m.municipality, s.municipality) AS municipality, coalesce(m.subject, s.subject) AS subject,
    coalesce(m.month, s.month) AS month
FROM availability_month AS m
FULL JOIN (
    SELECT
        d.municipality, d.kind, d.subject, date_trunc('month', d.day::timestamp)::date AS month, count(*) AS days,
        sum(d.up_ms) AS up_ms, sum(d.degraded_ms) AS degraded_ms, sum(d.lost_ms) AS lost_ms,
        sum(d.down_ms) AS down_ms, sum(d.blind_ms) AS blind_ms, sum(d.maintenance_ms) AS maintenance_ms,
        sum(d.open_up_ms) AS open_up_ms, sum(d.open_degraded_ms) AS open_degraded_ms,
        sum(d.open_lost_ms) AS open_lost_ms, sum(d.open_down_ms) AS open_down_ms,
        sum(d.open_blind_ms) AS open_blind_ms, sum(d.open_maintenance_ms) AS open_maintenance_ms,
        sum(d.hours_known::int) AS hours_days, sum(d.outages) AS outages
    FROM availability_day AS d
    GROUP BY 1, 2, 3, 4
) AS s USING (municipality, kind, subject, month)
WHERE (
    m.days, m.up_ms, m.degraded_ms, m.lost_ms, m.down_ms, m.blind_ms, m.maintenance_ms, m.open_up_ms,
    m.open_degraded_ms, m.open_lost_ms, m.open_down_ms, m.open_blind_ms, m.open_maintenance_ms, m.hours_days,
    m.outages
) IS DISTINCT FROM (
    s.days, s.up_ms, s.degraded_ms, s.lost_ms, s.down_ms, s.blind_ms, s.maintenance_ms, s.open_up_ms,
    s.open_degraded_ms, s.open_lost_ms, s.open_down_ms, s.open_blind_ms, s.open_maintenance_ms, s.hours_days,
    s.outages
)
