-- Renumber the waiting batches, upward past every number that is there.
-- params:  shift (integer)
update batches set batch_seq = batch_seq + $shift
