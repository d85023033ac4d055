-- What all databases of the server have done since their statistics were reset.
-- columns: transactions (committed and rolled back), rollbacks, blocks_hit, blocks_read, deadlocks,
--          temp_bytes
select sum(d.xact_commit + d.xact_rollback)::bigint as transactions,
       sum(d.xact_rollback)::bigint as rollbacks, sum(d.blks_hit)::bigint as blocks_hit,
       sum(d.blks_read)::bigint as blocks_read, sum(d.deadlocks)::bigint as deadlocks,
       sum(d.temp_bytes)::bigint as temp_bytes
from pg_stat_database as d
