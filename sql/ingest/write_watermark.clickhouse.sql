-- Move the watermark forward: the highest row is the one that is read.
-- params:  batch_seq (bigint)
insert into drain_watermark (batch_seq) select $batch_seq
