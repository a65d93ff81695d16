-- Once per server and database, as superuser: what no role of ours may do. Repeating it changes nothing.

REVOKE ALL ON DATABASE :database FROM PUBLIC;
GRANT CONNECT ON DATABASE :database TO heelrise_ingest, heelrise_engine, heelrise_notification,
    heelrise_reporting, heelrise_keeper, heelrise_migrator;
GRANT CREATE ON DATABASE :database TO heelrise_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS log AUTHORIZATION heelrise_owner;
GRANT USAGE, CREATE ON SCHEMA log TO heelrise_appender;
ALTER DEFAULT PRIVILEGES FOR ROLE heelrise_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE heelrise_appender REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
