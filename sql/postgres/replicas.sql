-- Standbys that follow this server, and how far each is behind; null where that cannot be seen.
-- columns: replica, state, lag_ms, lag_bytes
select coalesce(nullif(r.application_name, ''), host(r.client_addr), 'replica') as replica,
       coalesce(r.state, 'not visible') as state,
       (extract(epoch from r.replay_lag) * 1000)::double precision as lag_ms,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
                            else pg_current_wal_lsn() end, r.replay_lsn)::bigint as lag_bytes
from pg_stat_replication as r
order by replica
limit 100
