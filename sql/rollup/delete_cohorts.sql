-- Empty cohorts_week from a week on.
-- params:  start (timestamp)
delete from cohorts_week where bucket_utc >= $start
