-- Note the hours that a batch's events touch, for the next rollup.
-- names:   kind (a table of brain.events)
-- params:  batch_seq (bigint)
insert into stale_hours (hour_utc)
select distinct bucket(3600, at_utc) from {kind} where batch_seq = $batch_seq
