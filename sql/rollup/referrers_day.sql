-- Fill referrers_day for a span of whole days from referrers_hour.
-- params:  start, end (timestamp)
insert into referrers_day (bucket_utc, workspace_id, region, device, referrer, views)
select bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.region, h.device, h.referrer,
       sum(h.views)::bigint as views_sum
from referrers_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
group by bucket(86400, h.bucket_utc), h.workspace_id, h.region, h.device, h.referrer
