-- Who may do what (rules R23–R25). Rights stand on the parent tables only; partitions get none.

GRANT USAGE ON SCHEMA bypunkt TO bypunkt_ingest, bypunkt_worker, bypunkt_web, bypunkt_read;

ALTER TABLE municipality ENABLE ROW LEVEL SECURITY;
ALTER TABLE locality ENABLE ROW LEVEL SECURITY;
ALTER TABLE service_point ENABLE ROW LEVEL SECURITY;
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letter ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_spool ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_status ENABLE ROW LEVEL SECURITY;
ALTER TABLE status_interval ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation ENABLE ROW LEVEL SECURITY;
ALTER TABLE reading_cursor ENABLE ROW LEVEL SECURITY;
ALTER TABLE status_lane ENABLE ROW LEVEL SECURITY;

-- Lane work: the municipalities of the open transaction's lane.
CREATE POLICY in_lane ON municipality TO bypunkt_ingest, bypunkt_worker
    USING (lane = (SELECT scope_lane())) WITH CHECK (false);
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['locality', 'service_point', 'device', 'event', 'device_spool',
                                'device_status', 'status_interval', 'usage_hour']
    LOOP
        EXECUTE format($policy$
            CREATE POLICY in_lane ON %I TO bypunkt_ingest, bypunkt_worker
            USING (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
            WITH CHECK (municipality IN (SELECT m.code FROM municipality AS m WHERE m.lane = (SELECT scope_lane())))
        $policy$, name);
    END LOOP;
    -- A dead letter may name a municipality that is not registered: it is filed by lane alone.
    FOREACH name IN ARRAY ARRAY['dead_letter', 'observation', 'reading_cursor', 'status_lane']
    LOOP
        EXECUTE format($policy$
            CREATE POLICY in_lane ON %I TO bypunkt_ingest, bypunkt_worker
            USING (lane = (SELECT scope_lane())) WITH CHECK (lane = (SELECT scope_lane()))
        $policy$, name);
    END LOOP;
    -- Web work: the municipalities of the person who asks.
    FOREACH name IN ARRAY ARRAY['locality', 'service_point', 'device', 'event', 'dead_letter', 'device_spool',
                                'device_status', 'status_interval', 'usage_hour']
    LOOP
        EXECUTE format($policy$
            CREATE POLICY of_tenant ON %I TO bypunkt_web
            USING (municipality = ANY ((SELECT scope_municipalities())::text[]))
            WITH CHECK (municipality = ANY ((SELECT scope_municipalities())::text[]))
        $policy$, name);
    END LOOP;
END $$;
CREATE POLICY of_tenant ON person FOR SELECT TO bypunkt_web
    USING (municipality = ANY ((SELECT scope_municipalities())::text[]));
CREATE POLICY of_tenant ON municipality TO bypunkt_web
    USING (code = ANY ((SELECT scope_municipalities())::text[]))
    WITH CHECK (code = ANY ((SELECT scope_municipalities())::text[]));
-- Where we were blind is no tenant's secret: staff pages say so.
CREATE POLICY readable ON observation FOR SELECT TO bypunkt_web USING (true);
CREATE POLICY readable ON reading_cursor FOR SELECT TO bypunkt_web, bypunkt_worker USING (true);
CREATE POLICY readable ON status_lane FOR SELECT TO bypunkt_web USING (true);
-- Signing in comes before any tenant is known; it sees the one person who is named.
CREATE POLICY at_sign_in ON person FOR SELECT TO bypunkt_web
    USING (login = current_setting('bypunkt.login', true) OR id::text = current_setting('bypunkt.person', true));

GRANT SELECT ON installation, given_name TO bypunkt_ingest;
GRANT SELECT ON lane, municipality, device TO bypunkt_ingest, bypunkt_worker, bypunkt_web;
GRANT SELECT ON locality, service_point TO bypunkt_worker, bypunkt_web;
GRANT UPDATE (head) ON lane TO bypunkt_ingest;
GRANT SELECT, INSERT ON event TO bypunkt_ingest;
GRANT SELECT, INSERT, DELETE ON dead_letter TO bypunkt_ingest;
GRANT SELECT, INSERT, UPDATE ON device_spool, observation TO bypunkt_ingest;
GRANT SELECT ON event, observation, dead_letter TO bypunkt_worker;
GRANT SELECT, INSERT, UPDATE ON reading_cursor, status_lane TO bypunkt_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON device_status, status_interval, usage_hour TO bypunkt_worker;
GRANT SELECT ON event, dead_letter, device_spool, device_status, status_interval, usage_hour,
    observation, reading_cursor, status_lane, person TO bypunkt_web;
GRANT SELECT, INSERT, DELETE ON web_session TO bypunkt_web;
GRANT SELECT ON judged_device_state TO bypunkt_web;
GRANT SELECT ON public_municipality, public_point, public_device_state TO bypunkt_read, bypunkt_web;
GRANT EXECUTE ON FUNCTION make_event_partitions(timestamptz, timestamptz) TO bypunkt_ingest, bypunkt_worker;

-- The operator's command line works for the people of the whole installation.
CREATE POLICY by_installation ON person TO bypunkt_web
    USING (current_setting('bypunkt.installation', true) = 'yes')
    WITH CHECK (current_setting('bypunkt.installation', true) = 'yes');
GRANT INSERT, UPDATE ON person TO bypunkt_web;
-- The registry is written on behalf of its municipality; nothing of it is ever deleted.
GRANT SELECT, INSERT ON given_name TO bypunkt_web;
GRANT INSERT, UPDATE ON locality, service_point, device TO bypunkt_web;
-- A municipality's code and lane never change: cursors, positions and rights rest on them.
GRANT INSERT, UPDATE (name, county, county_code, seat_lat, seat_lon, languages, in_pilot) ON municipality
    TO bypunkt_web;
GRANT DELETE ON dead_letter TO bypunkt_web;
CREATE POLICY by_installation ON dead_letter TO bypunkt_web
    USING (current_setting('bypunkt.installation', true) = 'yes')
    WITH CHECK (current_setting('bypunkt.installation', true) = 'yes');
GRANT SELECT ON lane_in_use TO bypunkt_ingest, bypunkt_worker, bypunkt_web;
-- The running program refuses a database that is not at its version.
GRANT SELECT ON migration TO bypunkt_worker;
