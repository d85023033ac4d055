-- Empty a daily rollup for the days of the noted hours.
-- names:   rollup (a rollup table)
-- params:  first, last (timestamp: bounds of the noted days, half-open)
delete from {rollup}
where bucket_utc >= $first and bucket_utc < $last
  and bucket_utc in (select bucket(86400, h.hour_utc) from session_hours as h)
