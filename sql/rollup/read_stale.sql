-- Hours with events that the rollups do not hold yet.
-- columns: hour_utc
select distinct hour_utc from stale_hours order by hour_utc
