-- What the accepted batches up to a sequence number added, by kind; removals do not count.
-- params:  last_seq (bigint)
-- columns: kind, batches, rows_kept, checksum
select a.kind as kind, count(*) as batches, sum(a.rows_kept)::bigint as rows_kept,
       sum(a.checksum)::decimal(38, 0) as checksum
from accepted_batches as a
where a.batch_seq <= $last_seq and a.rows_kept >= 0
group by a.kind
order by kind
