-- Note the hours that a source's events touch, for the next rollup.
-- names:   kind (a table of brain.events)
-- params:  source (text)
insert into stale_hours (hour_utc)
select distinct bucket(3600, at_utc) from {kind} where source = $source
