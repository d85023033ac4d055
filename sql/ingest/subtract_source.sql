-- Take the events of a source out of the account of accepted rows, batch by batch.
-- names:   kind (a table of brain.events)
-- params:  source (text)
insert into accepted_batches (batch_seq, kind, rows_kept, rows_repeated, checksum)
select batch_seq, '{kind}', -count(*), 0, -sum(hash60(event_id)::decimal(38, 0))
from {kind} where source = $source group by batch_seq
