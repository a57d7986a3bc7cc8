-- The roles of rule R23, made once a cluster. `app_login` is the one login of the running program; it inherits
-- nothing: every transaction has to take a role. Safe to run again.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bypunkt_owner', 'bypunkt_ingest', 'bypunkt_worker', 'bypunkt_web', 'bypunkt_read']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this cluster was migrated in the same moment
            END;
        END IF;
    END LOOP;
    name := current_setting('bypunkt.app_login');
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(name, 'bypunkt_read', 'MEMBER') THEN
        EXECUTE format('GRANT bypunkt_ingest, bypunkt_worker, bypunkt_web, bypunkt_read TO %I', name);
    END IF;
    -- From PostgreSQL 16 on whoever makes a role may grant it, but not take it, before it is granted.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT bypunkt_owner TO %I', current_user);
    END IF;
    IF to_regnamespace('bypunkt') IS NULL THEN
        CREATE SCHEMA bypunkt AUTHORIZATION bypunkt_owner;
    END IF;
END $$;
