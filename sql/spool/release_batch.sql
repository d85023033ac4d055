-- Drop the row of a reserved number; the number stays used.
-- params:  batch_seq (integer)
delete from batches where batch_seq = $batch_seq
