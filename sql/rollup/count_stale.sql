-- How many hours wait for the rollup.
-- columns: hours_waiting
select count(distinct hour_utc) as hours_waiting from stale_hours
