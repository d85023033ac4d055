-- Fill sessions_hour for the noted hours from the sessions that start in them.
-- params:  first, last (timestamp: the first and the last noted hour)
insert into sessions_hour (
    bucket_utc, workspace_id, region, device, sessions, bounces, duration_s_sum,
    engaged_sessions, engaged_duration_s_sum, page_views
)
select s.bucket_utc, s.workspace_id, s.region, s.device, count(*) as sessions_sum,
       sum(case when s.is_bounce then 1 else 0 end)::bigint as bounces_sum,
       sum(seconds_between(s.start_utc, s.end_utc)) as duration_sum,
       sum(case when s.is_bounce then 0 else 1 end)::bigint as engaged_sum,
       sum(case when s.is_bounce then 0.0 else seconds_between(s.start_utc, s.end_utc) end)
           as engaged_duration_sum,
       sum(s.page_views)::bigint as views_sum
from sessions as s
where s.bucket_utc >= $first and s.bucket_utc <= $last
  and s.bucket_utc in (select h.hour_utc from session_hours as h)
group by s.bucket_utc, s.workspace_id, s.region, s.device
order by s.bucket_utc, s.workspace_id
