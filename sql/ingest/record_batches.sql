-- Write down what each accepted batch added.
-- names:   kind (a table of brain.events)
-- params:  first_seq, last_seq (bigint)
insert into accepted_batches (batch_seq, kind, rows_kept, rows_repeated, checksum)
select arrived.batch_seq, '{kind}', coalesce(kept.rows_kept, 0),
       arrived.rows_in - coalesce(kept.rows_kept, 0), coalesce(kept.checksum, 0)
from (select batch_seq, count(*) as rows_in from incoming group by batch_seq) as arrived
left join (
    select batch_seq, count(*) as rows_kept, sum(hash60(event_id)::decimal(38, 0)) as checksum
    from {kind}
    where batch_seq >= $first_seq and batch_seq <= $last_seq
    group by batch_seq
) as kept on kept.batch_seq = arrived.batch_seq
