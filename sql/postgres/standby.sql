-- How far this standby is behind its primary; null if it has replayed all it received.
-- columns: lag_ms
select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
            else extract(epoch from now() - pg_last_xact_replay_timestamp()) * 1000
       end::double precision as lag_ms
