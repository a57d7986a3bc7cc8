-- name: add_person
-- Register a person.
INSERT INTO person (login, municipality, role, password_hash) VALUES ($1, $2, $3, $4)
RETURNING id, login, municipality, role, disabled_at

-- name: person_by_login
-- The person with this login.
SELECT id, login, municipality, role, disabled_at FROM person WHERE login = $1

-- name: person_by_id
-- The person with this id, unless disabled.
SELECT id, login, municipality, role, disabled_at FROM person WHERE id = $1 AND disabled_at IS NULL

-- name: people
-- Everyone, by login.
SELECT id, login, municipality, role, disabled_at FROM person ORDER BY login

-- name: password_hash
-- What to check a password against, of someone who may sign in.
SELECT password_hash FROM person WHERE login = $1 AND disabled_at IS NULL

-- name: disable_person
-- Let a person sign in no more.
UPDATE person SET disabled_at = coalesce(disabled_at, $2) WHERE login = $1
RETURNING id, login, municipality, role, disabled_at

-- name: set_password
-- Give a person a new password.
UPDATE person SET password_hash = $2 WHERE login = $1
RETURNING id, login, municipality, role, disabled_at

-- name: start_session
-- Remember a signed-in session.
INSERT INTO web_session (token_hash, person, created_at, expires_at) VALUES ($1, $2, $3, $4)

-- name: session_person
-- Whose live session this is.
SELECT person FROM web_session WHERE token_hash = $1 AND expires_at > $2

-- name: end_session
-- Sign out.
DELETE FROM web_session WHERE token_hash = $1

-- name: end_sessions_of
-- End every session of a person.
DELETE FROM web_session WHERE person = $1

-- name: sweep_sessions
-- Forget sessions that have expired.
DELETE FROM web_session WHERE expires_at <= $1
