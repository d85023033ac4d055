-- Note every hour of a span for the next rollup that has requests, page views or interactions, or
-- had some when it was last added up.
-- params:  start, end (timestamp)
insert into stale_hours (hour_utc)
select distinct bucket(3600, r.at_utc) from requests as r
where r.at_utc >= $start and r.at_utc < $end
union distinct
select distinct bucket(3600, v.at_utc) from page_views as v
where v.at_utc >= $start and v.at_utc < $end
union distinct
select distinct bucket(3600, i.at_utc) from interactions as i
where i.at_utc >= $start and i.at_utc < $end
union distinct
select distinct bucket(3600, p.bucket_utc) from session_pieces as p
where p.bucket_utc >= $start and p.bucket_utc < $end
