-- Empty a rollup for a span.
-- names:   rollup (a rollup table)
-- params:  start, end (timestamp)
delete from {rollup} where bucket_utc >= $start and bucket_utc < $end
