-- Index blocks that this database found in memory, and those it had to read.
-- columns: index_blocks_hit, index_blocks_read
select coalesce(sum(i.idx_blks_hit), 0)::bigint as index_blocks_hit,
       coalesce(sum(i.idx_blks_read), 0)::bigint as index_blocks_read
from pg_statio_user_indexes as i
