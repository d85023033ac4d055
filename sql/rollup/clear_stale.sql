-- Forget the hours of a span that the rollups hold now.
-- params:  start, end (timestamp)
delete from stale_hours where hour_utc >= $start and hour_utc < $end
