-- Rows there must be by kind: accepted ones without those removed since.
-- columns: kind, rows_kept
select kind, sum(rows_kept)::bigint as rows_kept
from accepted_batches
group by kind
order by kind
