-- name: points_of_goals
-- The points in scope that goals may name.
SELECT municipality, id FROM service_point

-- name: settled_goals
-- Those of these goals that have been judged for a period that is over, and promise something else by now.
SELECT g.municipality, g.id
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[], $9::date[]
) AS t (municipality, id, metric, point, point_kind, comparator, target, period, valid_from)
JOIN goal AS g ON g.municipality = t.municipality AND g.id = t.id
WHERE (g.metric, g.point, g.point_kind, g.comparator, g.target, g.period, g.valid_from)
    IS DISTINCT FROM (t.metric, t.point, t.point_kind, t.comparator, t.target, t.period, t.valid_from)
    AND EXISTS (
        SELECT FROM goal_result AS r WHERE r.municipality = g.municipality AND r.goal = g.id AND r.is_over
    )
ORDER BY g.municipality, g.id

-- name: put_goals
-- Register goals, or correct what is known of them.
INSERT INTO goal AS g (
    municipality, id, metric, point, point_kind, comparator, target, period, valid_from, owner, visibility, valid_until,
    synthetic
)
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[], $9::date[],
    $10::text[], $11::text[], $12::date[], $13::boolean[]
)
ON CONFLICT (municipality, id) DO UPDATE
SET metric = excluded.metric, point = excluded.point, point_kind = excluded.point_kind,
    comparator = excluded.comparator, target = excluded.target, period = excluded.period,
    valid_from = excluded.valid_from, owner = excluded.owner, visibility = excluded.visibility,
    valid_until = excluded.valid_until, synthetic = excluded.synthetic
