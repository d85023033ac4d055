-- Batches and events that wait for the event store.
-- params:  after_seq (integer)
-- columns: batches_waiting, rows_waiting
select count(*) as batches_waiting, coalesce(sum(rows_in), 0) as rows_waiting
from batches where batch_seq > $after_seq and rows_in >= 0
