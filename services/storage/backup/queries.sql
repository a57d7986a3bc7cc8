-- name: is_prepared
-- Whether the database holds a bypunkt at all.
SELECT to_regnamespace('bypunkt') IS NOT NULL AND to_regrole('bypunkt_owner') IS NOT NULL
    AND EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'bypunkt' AND c.relname = 'migration'
    )

-- name: see_all
-- Work as the owner, whom no row-level security holds back; should one ever do, that is an error, not a gap.
SELECT
    set_config('role', 'bypunkt_owner', true), set_config('row_security', 'off', true),
    set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)

-- name: share_snapshot
-- Let pg_dump read the very picture that is counted here.
SELECT pg_export_snapshot()

-- name: migrations
-- What the schema has been through.
SELECT version, name, checksum FROM bypunkt.migration ORDER BY version

-- name: lanes
-- The head of each lane.
SELECT lane, head FROM bypunkt.lane ORDER BY lane

-- name: tables
-- Every table that is not a partition, and the statement that counts its rows.
SELECT c.relname AS name, format('SELECT count(*) FROM bypunkt.%I', c.relname) AS counting
FROM pg_class AS c
WHERE c.relnamespace = 'bypunkt'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname

-- name: at_work
-- Who else uses the database now: the running program, by its login or by its name.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND (usename = $1 OR application_name = 'bypunkt')

-- name: clear_away
-- Take away a schema in which nobody has registered anything.
DROP SCHEMA IF EXISTS bypunkt CASCADE

-- name: clear_nothing
-- Take away a schema in which there is nothing at all.
DROP SCHEMA IF EXISTS bypunkt RESTRICT

-- name: end_sessions
-- Nobody stays signed in: a session that was ended after the backup must not come back to life.
DELETE FROM bypunkt.web_session

-- name: create_scratch
-- Write the statement that makes a database to try a backup out in, of the same kind as this one.
SELECT format(
    'CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
    $1::text, pg_encoding_to_char(encoding), datcollate, datctype
)
FROM pg_database WHERE datname = current_database()

-- name: drop_scratch
-- Write the statement that removes it.
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text)
