-- Note the hours of a span that have page views, or had some when they were last added up.
-- params:  start, end (timestamp)
insert into session_hours (hour_utc)
select distinct bucket(3600, v.at_utc) as hour_utc
from page_views as v
where v.at_utc >= $start and v.at_utc < $end
union distinct
select h.bucket_utc as hour_utc
from pages_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
