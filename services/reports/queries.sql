-- name: points
-- The points of a municipality by name.
SELECT p.id, p.names, p.synthetic FROM service_point AS p WHERE p.municipality = $1 ORDER BY p.id

-- name: names
-- What the points of a municipality are called.
SELECT p.id, p.names FROM service_point AS p WHERE p.municipality = $1

-- name: municipality
-- What a municipality is called.
SELECT m.name FROM municipality AS m WHERE m.code = $1

-- name: days
-- The days of a municipality's points.
SELECT subject, day AS first, 1 AS days,
    up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms,
    open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
FROM availability_day
WHERE municipality = $1 AND kind = 'point' AND day BETWEEN $2 AND $3

-- name: months
-- The months of a municipality's points.
SELECT subject, month AS first, days,
    up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms,
    open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
FROM availability_month
WHERE municipality = $1 AND kind = 'point' AND month BETWEEN $2 AND $3

-- name: goals
-- What became of goals in periods that ended within a stretch of days; values are exact parts of a whole.
SELECT
    r.goal AS id, g.metric, g.point, g.comparator, g.target::text AS target, r.first_day AS first, r.last_day AS last,
    CASE WHEN g.metric = ANY ($4) THEN r.value_part::text || '/' || r.value_whole::text END AS value,
    r.coverage_part::text || '/' || r.coverage_whole::text AS coverage, r.status
FROM goal_result AS r
JOIN goal AS g ON g.municipality = r.municipality AND g.id = r.goal
WHERE r.municipality = $1 AND r.is_over AND r.last_day BETWEEN $2 AND $3
ORDER BY r.goal, r.first_day

-- name: counted_until
-- Until which local day (not included) the days of a lane are counted.
SELECT a.counted_until FROM availability_lane AS a WHERE a.lane = $1

-- name: note_periods
-- Take up the months and years of which there are days, that are over, and whose days are counted.
INSERT INTO report_period (municipality, period, first, ends)
SELECT c.municipality, to_char(c.first, c.form), c.first, c.ends
FROM (
    SELECT DISTINCT
        m.municipality, f.form, date_trunc(f.length, m.month::timestamp)::date AS first,
        (date_trunc(f.length, m.month::timestamp) + f.lasts)::date AS ends
    FROM availability_month AS m
    CROSS JOIN (
        VALUES ('month', interval '1 month', 'YYYY-MM'), ('year', interval '1 year', 'YYYY')
    ) AS f (length, lasts, form)
    WHERE m.kind = 'point'
) AS c
WHERE c.ends <= $2 AND c.ends <= (SELECT a.counted_until FROM availability_lane AS a WHERE a.lane = $1)
ON CONFLICT DO NOTHING

-- name: due_period
-- Take one period whose reports have to be made, or looked at again: because its days have changed, or because it ended
-- not long ago and was looked at before $1. In any order: one that cannot be made does not hold up the others for ever.
-- Days that were counted somewhat before it was looked at may have been stored after; $3 keeps that from being done for ever.
SELECT p.municipality, p.period, p.ends
FROM report_period AS p
WHERE p.checked_at IS NULL
    OR (p.ends > $2 AND p.checked_at < $1)
    OR (p.checked_at < $3 AND EXISTS (
        SELECT FROM availability_month AS m
        WHERE m.municipality = p.municipality AND m.kind = 'point' AND m.month >= p.first AND m.month < p.ends
            AND m.computed_at >= p.checked_at - interval '5 minutes'
    ))
ORDER BY random()
LIMIT 1
FOR UPDATE OF p SKIP LOCKED

-- name: hold_period
-- Take a period, whether or not anything has changed; waits for whoever has it.
INSERT INTO report_period AS p (municipality, period, first, ends) VALUES ($1, $2, $3, $4)
ON CONFLICT (municipality, period) DO UPDATE SET checked_at = p.checked_at

-- name: checked
-- Note that the reports of a period say what is known.
UPDATE report_period SET checked_at = $3 WHERE municipality = $1 AND period = $2

-- name: put_reports
-- Store reports of a period; one that says the same as the newest version is none.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) AS g (kind, subject, hash, content)
),

changed AS MATERIALIZED (
    SELECT g.*, coalesce(n.version, 0) + 1 AS version
    FROM given AS g
    LEFT JOIN LATERAL (
        SELECT r.version, r.hash
        FROM report AS r
        WHERE r.municipality = $1 AND r.period = $2 AND r.kind = g.kind AND r.subject = g.subject
        ORDER BY r.version DESC
        LIMIT 1
    ) AS n ON true
    WHERE n.hash IS DISTINCT FROM g.hash
),

revised AS (
    UPDATE report AS r
    SET revised_by = c.version
    FROM changed AS c
    WHERE r.municipality = $1 AND r.period = $2 AND r.kind = c.kind AND r.subject = c.subject
        AND r.version = c.version - 1
)

INSERT INTO report (municipality, period, made_at, kind, subject, hash, content, version)
SELECT $1, $2, $3, c.kind, c.subject, c.hash, c.content, c.version FROM changed AS c
RETURNING kind, subject, version

-- name: listed
-- Reports, the newest period first, without their content: of one municipality, period, kind or point if one is named.
SELECT r.municipality, m.name, r.kind, r.subject, r.period, r.version, r.hash, r.made_at, r.revised_by
FROM report AS r
JOIN municipality AS m ON m.code = r.municipality
WHERE ($1::text IS NULL OR r.municipality = $1) AND ($2::text IS NULL OR r.period = $2)
    AND ($3::text IS NULL OR r.kind = $3) AND ($4::text IS NULL OR r.subject = $4)
ORDER BY r.period DESC, m.name, r.municipality, r.kind, r.subject, r.version DESC
LIMIT $5

-- name: report
-- One report: a version, or the newest.
SELECT r.municipality, r.kind, r.subject, r.period, r.version, r.hash, r.content, r.made_at, r.revised_by
FROM report AS r
WHERE r.municipality = $1 AND r.kind = $2 AND r.subject = $3 AND r.period = $4
    AND ($5::integer IS NULL OR r.version = $5)
ORDER BY r.version DESC
LIMIT 1

-- name: to_mail
-- Note that what stands of a municipality's report is to be mailed, whoever made it; what was noted before stays as it is.
INSERT INTO report_mail (municipality, kind, subject, period, version, due_at)
SELECT r.municipality, r.kind, r.subject, r.period, r.version, $3
FROM report AS r
WHERE r.municipality = $1 AND r.period = $2 AND r.subject = '' AND r.revised_by IS NULL
ON CONFLICT DO NOTHING

-- name: take_mail
-- Take a report that is to be mailed now, for a time; one that has been revised meanwhile is not mailed any more.
UPDATE report_mail AS o
SET due_at = $2, tries = o.tries + 1
FROM (
    SELECT w.municipality, w.kind, w.subject, w.period, w.version
    FROM report_mail AS w
    JOIN report AS r USING (municipality, kind, subject, period, version)
    WHERE w.sent_at IS NULL AND w.due_at <= $1 AND w.tries < $3 AND r.revised_by IS NULL
    ORDER BY w.due_at
    LIMIT 1
    FOR UPDATE OF w SKIP LOCKED
) AS t
WHERE o.municipality = t.municipality AND o.kind = t.kind AND o.subject = t.subject AND o.period = t.period
    AND o.version = t.version
RETURNING o.municipality, o.kind, o.subject, o.period, o.version, o.tries

-- name: mail_again
-- A mail did not go: try again later.
UPDATE report_mail SET due_at = $6
WHERE municipality = $1 AND kind = $2 AND subject = $3 AND period = $4 AND version = $5

-- name: mail_sent
-- A mail has gone.
UPDATE report_mail SET sent_at = $6
WHERE municipality = $1 AND kind = $2 AND subject = $3 AND period = $4 AND version = $5
