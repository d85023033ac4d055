-- Rows of a kind that a batch added.
-- params:  kind (text), batch_seq (bigint)
-- columns: rows_kept
select a.rows_kept from accepted_batches as a where a.kind = $kind and a.batch_seq = $batch_seq
