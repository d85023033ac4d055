-- Write down what one batch added, counted where it now stands.
-- names:   kind (a table of brain.events)
-- params:  batch_seq, rows_in (bigint)
insert into accepted_batches (batch_seq, kind, rows_kept, rows_repeated, checksum)
select $batch_seq, '{kind}', count(*), $rows_in - count(*),
       coalesce(sum(hash60(event_id)::decimal(38, 0)), 0)
from {kind} where batch_seq = $batch_seq
