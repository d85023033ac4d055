-- Empty an hourly rollup for the noted hours.
-- names:   rollup (a rollup table)
-- params:  first, last (timestamp: the first and the last noted hour)
delete from {rollup}
where bucket_utc >= $first and bucket_utc <= $last
  and bucket_utc in (select h.hour_utc from session_hours as h)
