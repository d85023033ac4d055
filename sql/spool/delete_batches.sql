-- Forget batches that the event store holds in its file.
-- params:  last_seq (integer)
delete from batches where batch_seq <= $last_seq
