-- The watched server: version, limits, rights of this account.
-- columns: version, max_connections (count), is_standby, may_monitor (sees other users' sessions),
--          statements_schema (of pg_stat_statements, null where it is not installed),
--          started_at_utc
select current_setting('server_version') as version,
       current_setting('max_connections')::bigint as max_connections,
       pg_is_in_recovery() as is_standby,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage') as may_monitor,
       (select n.nspname::text from pg_extension as e
        join pg_namespace as n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements') as statements_schema,
       pg_postmaster_start_time() as started_at_utc
