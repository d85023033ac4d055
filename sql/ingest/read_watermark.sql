-- Sequence number of the last spool batch that this store holds.
-- columns: batch_seq
select max(batch_seq) as batch_seq from drain_watermark
