-- Accepted batches after a watermark, oldest first.
-- params:  after_seq (integer), most (integer)
-- columns: batch_seq, kind, rows_in, checksum, payload
select batch_seq, kind, rows_in, checksum, payload from batches
where batch_seq > $after_seq and rows_in >= 0 order by batch_seq limit $most
