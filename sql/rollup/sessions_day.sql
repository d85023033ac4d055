-- Fill sessions_day for the days of the noted hours from sessions_hour.
-- params:  first, last (timestamp: bounds of the noted days, half-open)
insert into sessions_day (
    bucket_utc, workspace_id, region, device, sessions, bounces, duration_s_sum,
    engaged_sessions, engaged_duration_s_sum, page_views
)
select bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.region, h.device,
       sum(h.sessions)::bigint as sessions_sum, sum(h.bounces)::bigint as bounces_sum,
       sum(h.duration_s_sum) as duration_sum,
       sum(h.engaged_sessions)::bigint as engaged_sum,
       sum(h.engaged_duration_s_sum) as engaged_duration_sum,
       sum(h.page_views)::bigint as views_sum
from sessions_hour as h
where h.bucket_utc >= $first and h.bucket_utc < $last
  and bucket(86400, h.bucket_utc) in (
      select bucket(86400, n.hour_utc) from session_hours as n)
group by bucket(86400, h.bucket_utc), h.workspace_id, h.region, h.device
