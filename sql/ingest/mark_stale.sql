-- Note the hours that incoming events touch, for the next rollup.
insert into stale_hours (hour_utc)
select distinct bucket(3600, at_utc) from incoming
