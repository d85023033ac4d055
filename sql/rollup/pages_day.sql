-- Fill pages_day for the days of the noted hours from pages_hour.
-- params:  first, last (timestamp: bounds of the noted days, half-open)
insert into pages_day (
    bucket_utc, workspace_id, region, device, page, views, timed_views, time_s_sum, entries,
    exits, bounces
)
select bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.region, h.device, h.page,
       sum(h.views)::bigint as views_sum, sum(h.timed_views)::bigint as timed_sum,
       sum(h.time_s_sum) as time_sum, sum(h.entries)::bigint as entries_sum,
       sum(h.exits)::bigint as exits_sum, sum(h.bounces)::bigint as bounces_sum
from pages_hour as h
where h.bucket_utc >= $first and h.bucket_utc < $last
  and bucket(86400, h.bucket_utc) in (
      select bucket(86400, n.hour_utc) from session_hours as n)
group by bucket(86400, h.bucket_utc), h.workspace_id, h.region, h.device, h.page
