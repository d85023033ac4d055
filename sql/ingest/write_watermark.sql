-- Move the watermark forward.
-- params:  batch_seq (bigint)
update drain_watermark set batch_seq = $batch_seq
