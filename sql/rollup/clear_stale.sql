-- Forget an hour that the rollups hold now.
-- params:  hour (timestamp)
delete from stale_hours where hour_utc = $hour
