-- Replication slots and the write-ahead log that each holds back.
-- columns: slot, is_active, held_bytes, wal_status
select s.slot_name::text as slot, s.active as is_active,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
                            else pg_current_wal_lsn() end, s.restart_lsn)::bigint as held_bytes,
       s.wal_status
from pg_replication_slots as s
order by s.slot_name
limit 100
