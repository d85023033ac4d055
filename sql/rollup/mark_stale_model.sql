-- Note the hours with requests of a model for the next rollup: its price changed.
-- params:  model (text), start, end (timestamp)
insert into stale_hours (hour_utc)
select distinct bucket(3600, at_utc) from requests
where model = $model and at_utc >= $start and at_utc < $end
