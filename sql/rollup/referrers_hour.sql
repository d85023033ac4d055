-- Fill referrers_hour for a span from the page views themselves.
-- params:  start, end (timestamp)
insert into referrers_hour (bucket_utc, workspace_id, region, device, referrer, views)
select bucket(3600, v.at_utc) as bucket_utc, v.workspace_id, v.region, v.device, v.referrer,
       count(*) as views_sum
from page_views as v
where v.at_utc >= $start and v.at_utc < $end
group by bucket(3600, v.at_utc), v.workspace_id, v.region, v.device, v.referrer
