-- Fill origins_day for the days of the noted hours from the sessions that start on them.
-- params:  first, last (timestamp: bounds of the noted days, half-open)
insert into origins_day (
    bucket_utc, workspace_id, region, device, referrer, entry_page, sessions, bounces,
    duration_s_sum, engaged_sessions, engaged_duration_s_sum, page_views
)
select bucket(86400, s.bucket_utc) as bucket_utc, s.workspace_id, s.region, s.device, s.referrer,
       s.entry_page, count(*) as sessions_sum,
       sum(case when s.is_bounce then 1 else 0 end)::bigint as bounces_sum,
       sum(seconds_between(s.start_utc, s.end_utc)) as duration_sum,
       sum(case when s.is_bounce then 0 else 1 end)::bigint as engaged_sum,
       sum(case when s.is_bounce then 0.0 else seconds_between(s.start_utc, s.end_utc) end)
           as engaged_duration_sum,
       sum(s.page_views)::bigint as views_sum
from sessions as s
where s.bucket_utc >= $first and s.bucket_utc < $last
  and bucket(86400, s.bucket_utc) in (
      select bucket(86400, n.hour_utc) from session_hours as n)
group by bucket(86400, s.bucket_utc), s.workspace_id, s.region, s.device, s.referrer, s.entry_page
