-- Recent batches whose rows differ in number or checksum from what was accepted.
-- names:   kind (a table of brain.events)
-- params:  first_seq (bigint)
-- columns: batch_seq, rows_accepted, rows_there
select a.batch_seq, a.rows_kept as rows_accepted, coalesce(t.rows_there, 0) as rows_there
from (
    select batch_seq, sum(rows_kept)::bigint as rows_kept,
           sum(checksum)::decimal(38, 0) as checksum
    from accepted_batches
    where kind = '{kind}' and batch_seq >= $first_seq
    group by batch_seq
) as a
left join (
    select batch_seq, count(*) as rows_there, sum(hash60(event_id)::decimal(38, 0)) as checksum
    from {kind} where batch_seq >= $first_seq group by batch_seq
) as t on t.batch_seq = a.batch_seq
where a.rows_kept <> coalesce(t.rows_there, 0) or a.checksum <> coalesce(t.checksum, 0)
order by a.batch_seq
