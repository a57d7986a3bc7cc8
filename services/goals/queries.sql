-- name: take_turn
-- Be the only one who judges the goals of a lane until the transaction ends; false: somebody else does.
SELECT pg_try_advisory_xact_lock(7381241, $1::integer)

-- name: goals
-- The goals of the municipalities in scope.
SELECT municipality, id, metric, point, point_kind, comparator, target, period, owner, visibility, valid_from, valid_until,
    synthetic
FROM goal
ORDER BY municipality, id

-- name: counted
-- Until which local day (not included) the days of a lane are counted, of availability and of usage.
SELECT
    (SELECT a.counted_until FROM availability_lane AS a WHERE a.lane = $1) AS availability,
    (SELECT u.counted_until FROM usage_lane AS u WHERE u.lane = $1) AS usage

-- name: results
-- What is said of each goal in scope in its newest periods, at most so many of them, the newest first.
SELECT r.*
FROM goal AS g
CROSS JOIN LATERAL (
    SELECT municipality, goal, first_day, last_day, counted_to, is_over, status, why, value_part, value_whole,
        projected_part, projected_whole, coverage_part, coverage_whole, allowance_ms, used_ms, parts, version, evaluated_at
    FROM goal_result AS n
    WHERE n.municipality = g.municipality AND n.goal = g.id
    ORDER BY n.first_day DESC
    LIMIT $1
) AS r
ORDER BY r.municipality, r.goal, r.first_day DESC

-- name: held
-- What is said of which periods of goals in scope, and how far it goes.
SELECT municipality, goal, first_day, counted_to, is_over FROM goal_result

-- name: judged
-- When the goals of a lane were last judged, and on which day all of them.
SELECT judged_at, whole_on FROM goal_lane WHERE lane = $1

-- name: put_judged
-- Remember when the goals of a lane were judged, and on which day all of them.
INSERT INTO goal_lane (lane, judged_at, whole_on) VALUES ($1, $2, $3)
ON CONFLICT (lane) DO UPDATE SET judged_at = excluded.judged_at, whole_on = excluded.whole_on

-- name: changed_months
-- Months of which a day has been counted, or counted again, since an instant.
SELECT DISTINCT month FROM availability_month WHERE computed_at > $1

-- name: drop_results
-- Drop what was said of periods that go on and are none (any longer): all but these.
DELETE FROM goal_result AS h
WHERE NOT h.is_over AND NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::text[], $3::date[]) AS g (municipality, goal, first_day)
    WHERE g.municipality = h.municipality AND g.goal = h.goal AND g.first_day = h.first_day
)

-- name: put_results
-- Store what is said of goals in periods; what is as it was is left alone. Of periods that were over the earlier version is
-- kept. Returned is what is new or says something else.
WITH given AS MATERIALIZED (
    SELECT *
    FROM unnest(
        $2::text[], $3::text[], $4::date[], $5::date[], $6::date[], $7::boolean[], $8::text[], $9::text[], $10::numeric[],
        $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::bigint[], $17::bigint[],
        $18::jsonb[]
    ) AS g (
        municipality, goal, first_day, last_day, counted_to, is_over, status, why, value_part, value_whole, projected_part,
        projected_whole, coverage_part, coverage_whole, allowance_ms, used_ms, parts
    )
),

changed AS MATERIALIZED (
    SELECT g.*, coalesce(h.version + h.is_over::integer, b.version + 1, 1) AS version
    FROM given AS g
    LEFT JOIN goal_result AS h ON h.municipality = g.municipality AND h.goal = g.goal AND h.first_day = g.first_day
    LEFT JOIN LATERAL (
        SELECT max(e.version) AS version
        FROM goal_result_before AS e
        WHERE e.municipality = g.municipality AND e.goal = g.goal AND e.first_day = g.first_day
    ) AS b ON true
    WHERE h.goal IS NULL OR (
        h.last_day, h.counted_to, h.is_over, h.status, h.why, h.value_part, h.value_whole, h.projected_part,
        h.projected_whole, h.coverage_part, h.coverage_whole, h.allowance_ms, h.used_ms, h.parts
    ) IS DISTINCT FROM (
        g.last_day, g.counted_to, g.is_over, g.status, g.why, g.value_part, g.value_whole, g.projected_part,
        g.projected_whole, g.coverage_part, g.coverage_whole, g.allowance_ms, g.used_ms, g.parts
    )
),

kept AS (
    INSERT INTO goal_result_before (municipality, goal, first_day, version, replaced_at, result)
    SELECT
        h.municipality, h.goal, h.first_day, h.version, $1,
        to_jsonb(h) - '{municipality,goal,first_day,version}'::text[]
    FROM goal_result AS h
    JOIN changed AS c ON c.municipality = h.municipality AND c.goal = h.goal AND c.first_day = h.first_day
    WHERE h.is_over
)

INSERT INTO goal_result AS r (
    municipality, goal, first_day, last_day, counted_to, is_over, status, why, value_part, value_whole, projected_part,
    projected_whole, coverage_part, coverage_whole, allowance_ms, used_ms, parts, version, evaluated_at
)
SELECT
    c.municipality, c.goal, c.first_day, c.last_day, c.counted_to, c.is_over, c.status, c.why, c.value_part, c.value_whole,
    c.projected_part, c.projected_whole, c.coverage_part, c.coverage_whole, c.allowance_ms, c.used_ms, c.parts, c.version, $1
FROM changed AS c
ON CONFLICT (municipality, goal, first_day) DO UPDATE SET
    last_day = excluded.last_day, counted_to = excluded.counted_to, is_over = excluded.is_over, status = excluded.status,
    why = excluded.why, value_part = excluded.value_part, value_whole = excluded.value_whole,
    projected_part = excluded.projected_part, projected_whole = excluded.projected_whole,
    coverage_part = excluded.coverage_part, coverage_whole = excluded.coverage_whole,
    allowance_ms = excluded.allowance_ms, used_ms = excluded.used_ms, parts = excluded.parts, version = excluded.version,
    evaluated_at = excluded.evaluated_at
RETURNING r.municipality, r.goal, r.first_day, r.status, r.is_over, r.version
