-- name: begin_lane
-- Make sure that a lane has its row.
INSERT INTO availability_lane (lane) VALUES ($1) ON CONFLICT DO NOTHING

-- name: hold_lane
-- Take a lane, unless somebody is at it, and see until when its days are counted and its devices judged in full.
-- The statements that follow are planned for what they are given and find their rows by key: a table that was empty when
-- it was last looked at may be large now.
SELECT
    a.counted_until, least(s.as_of, c.caught_up_at) AS judged_until,
    set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
FROM availability_lane AS a
LEFT JOIN status_lane AS s ON s.lane = a.lane
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
-- Store days, for some subjects and stretches of days all there are: what was there otherwise goes to the earlier versions.
-- Returned are the months in which something changed.
WITH cells AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::date[], $6::date[]) AS c (municipality, kind, subject, first, last)
),

given AS MATERIALIZED (
    SELECT *
    FROM unnest(
        $7::text[], $8::text[], $9::text[], $10::date[],
        $11::int[], $12::int[], $13::int[], $14::int[], $15::int[], $16::int[],
        $17::int[], $18::int[], $19::int[], $20::int[], $21::int[], $22::int[], $23::boolean[], $24::int[]
    ) AS g (
        municipality, kind, subject, day, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
        open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
    )
),

held AS MATERIALIZED (
    SELECT d.*
    FROM cells AS c
    CROSS JOIN LATERAL (
        SELECT *
        FROM availability_day AS d
        WHERE d.municipality = c.municipality AND d.kind = c.kind AND d.subject = c.subject
            AND d.day BETWEEN c.first AND c.last
        OFFSET 0
    ) AS d
),

old AS MATERIALIZED (
    SELECT h.*, g.subject IS NULL AS gone
    FROM held AS h
    LEFT JOIN given AS g
        ON g.municipality = h.municipality AND g.kind = h.kind AND g.subject = h.subject AND g.day = h.day
    WHERE g.subject IS NULL OR (
        h.rule, h.up_ms, h.degraded_ms, h.lost_ms, h.down_ms, h.blind_ms, h.maintenance_ms, h.open_up_ms,
        h.open_degraded_ms, h.open_lost_ms, h.open_down_ms, h.open_blind_ms, h.open_maintenance_ms, h.hours_known, h.outages
    ) <> (
        $1::smallint, g.up_ms, g.degraded_ms, g.lost_ms, g.down_ms, g.blind_ms, g.maintenance_ms, g.open_up_ms,
        g.open_degraded_ms, g.open_lost_ms, g.open_down_ms, g.open_blind_ms, g.open_maintenance_ms, g.hours_known, g.outages
    )
),

kept AS (
    INSERT INTO availability_day_before (municipality, kind, subject, day, version, replaced_at, figures)
    SELECT
        o.municipality, o.kind, o.subject, o.day, o.version, $25,
        to_jsonb(o) - '{municipality,kind,subject,day,version,gone}'::text[]
    FROM old AS o
),

removed AS (
    DELETE FROM availability_day AS d
    USING old AS o
    WHERE o.gone AND d.municipality = o.municipality AND d.kind = o.kind AND d.subject = o.subject AND d.day = o.day
    RETURNING d.municipality, d.kind, d.subject, d.day
),

-- What is there as it should be is not touched at all.
news AS MATERIALIZED (
    SELECT g.*, coalesce(o.version, b.version, 0) + 1 AS version
    FROM given AS g
    LEFT JOIN held AS h
        ON h.municipality = g.municipality AND h.kind = g.kind AND h.subject = g.subject AND h.day = g.day
    LEFT JOIN old AS o
        ON o.municipality = g.municipality AND o.kind = g.kind AND o.subject = g.subject AND o.day = g.day
    LEFT JOIN LATERAL (
        SELECT max(e.version) AS version
        FROM availability_day_before AS e
        WHERE h.subject IS NULL
            AND e.municipality = g.municipality AND e.kind = g.kind AND e.subject = g.subject AND e.day = g.day
    ) AS b ON true
    WHERE h.subject IS NULL OR o.subject IS NOT NULL
),

put AS (
    INSERT INTO availability_day AS d (
        municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
        open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages,
        version, computed_at
    )
    SELECT
        n.municipality, n.kind, n.subject, n.day, $1, n.up_ms, n.degraded_ms, n.lost_ms, n.down_ms, n.blind_ms,
        n.maintenance_ms, n.open_up_ms, n.open_degraded_ms, n.open_lost_ms, n.open_down_ms, n.open_blind_ms,
        n.open_maintenance_ms, n.hours_known, n.outages, n.version, $25
    FROM news AS n
    ON CONFLICT (municipality, kind, subject, day) DO UPDATE SET
        rule = excluded.rule, up_ms = excluded.up_ms, degraded_ms = excluded.degraded_ms, lost_ms = excluded.lost_ms,
        down_ms = excluded.down_ms, blind_ms = excluded.blind_ms, maintenance_ms = excluded.maintenance_ms,
        open_up_ms = excluded.open_up_ms, open_degraded_ms = excluded.open_degraded_ms,
        open_lost_ms = excluded.open_lost_ms, open_down_ms = excluded.open_down_ms,
        open_blind_ms = excluded.open_blind_ms, open_maintenance_ms = excluded.open_maintenance_ms,
        hours_known = excluded.hours_known, outages = excluded.outages, version = excluded.version,
        computed_at = excluded.computed_at
    RETURNING d.municipality, d.kind, d.subject, d.day
)

SELECT DISTINCT c.municipality, c.kind, c.subject, date_trunc('month', c.day::timestamp)::date AS month
FROM (SELECT * FROM put UNION ALL SELECT * FROM removed) AS c

-- name: put_months
-- Add up the days of months anew; a month without days is none.
WITH keys AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[]) AS k (municipality, kind, subject, month)
),

sums AS MATERIALIZED (
    SELECT k.municipality, k.kind, k.subject, k.month, d.*
    FROM keys AS k
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS days, sum(d.up_ms) AS up_ms, sum(d.degraded_ms) AS degraded_ms, sum(d.lost_ms) AS lost_ms,
            sum(d.down_ms) AS down_ms, sum(d.blind_ms) AS blind_ms, sum(d.maintenance_ms) AS maintenance_ms,
            sum(d.open_up_ms) AS open_up_ms, sum(d.open_degraded_ms) AS open_degraded_ms,
            sum(d.open_lost_ms) AS open_lost_ms, sum(d.open_down_ms) AS open_down_ms,
            sum(d.open_blind_ms) AS open_blind_ms, sum(d.open_maintenance_ms) AS open_maintenance_ms,
            bool_and(d.hours_known) AS hours_known, sum(d.outages) AS outages
        FROM availability_day AS d
        WHERE d.municipality = k.municipality AND d.kind = k.kind AND d.subject = k.subject
            AND d.day >= k.month AND d.day < (k.month + interval '1 month')::date
    ) AS d
),

removed AS (
    DELETE FROM availability_month AS m
    USING sums AS s
    WHERE s.days = 0
        AND m.municipality = s.municipality AND m.kind = s.kind AND m.subject = s.subject AND m.month = s.month
)

INSERT INTO availability_month AS m (
    municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms,
    open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages, computed_at
)
SELECT
    s.municipality, s.kind, s.subject, s.month, s.days, s.up_ms, s.degraded_ms, s.lost_ms, s.down_ms, s.blind_ms,
    s.maintenance_ms, s.open_up_ms, s.open_degraded_ms, s.open_lost_ms, s.open_down_ms, s.open_blind_ms,
    s.open_maintenance_ms, s.hours_known, s.outages, $5
FROM sums AS s
WHERE s.days > 0
ON CONFLICT (municipality, kind, subject, month) DO UPDATE SET
    days = excluded.days, up_ms = excluded.up_ms, degraded_ms = excluded.degraded_ms, lost_ms = excluded.lost_ms,
    down_ms = excluded.down_ms, blind_ms = excluded.blind_ms, maintenance_ms = excluded.maintenance_ms,
    open_up_ms = excluded.open_up_ms, open_degraded_ms = excluded.open_degraded_ms,
    open_lost_ms = excluded.open_lost_ms, open_down_ms = excluded.open_down_ms,
    open_blind_ms = excluded.open_blind_ms, open_maintenance_ms = excluded.open_maintenance_ms,
    hours_known = excluded.hours_known, outages = excluded.outages, computed_at = excluded.computed_at

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
        sum(d.up_ms) AS up_ms, sum(d.degraded_ms) AS degraded_ms, sum(d.lost_ms) AS lost_ms, sum(d.down_ms) AS down_ms,
        sum(d.blind_ms) AS blind_ms, sum(d.maintenance_ms) AS maintenance_ms, sum(d.open_up_ms) AS open_up_ms,
        sum(d.open_degraded_ms) AS open_degraded_ms, sum(d.open_lost_ms) AS open_lost_ms,
        sum(d.open_down_ms) AS open_down_ms, sum(d.open_blind_ms) AS open_blind_ms,
        sum(d.open_maintenance_ms) AS open_maintenance_ms, bool_and(d.hours_known) AS hours_known,
        sum(d.outages) AS outages
    FROM availability_day AS d
    GROUP BY 1, 2, 3, 4
) AS s USING (municipality, kind, subject, month)
WHERE (
    m.days, m.up_ms, m.degraded_ms, m.lost_ms, m.down_ms, m.blind_ms, m.maintenance_ms, m.open_up_ms,
    m.open_degraded_ms, m.open_lost_ms, m.open_down_ms, m.open_blind_ms, m.open_maintenance_ms, m.hours_known, m.outages
) IS DISTINCT FROM (
    s.days, s.up_ms, s.degraded_ms, s.lost_ms, s.down_ms, s.blind_ms, s.maintenance_ms, s.open_up_ms,
    s.open_degraded_ms, s.open_lost_ms, s.open_down_ms, s.open_blind_ms, s.open_maintenance_ms, s.hours_known, s.outages
)
