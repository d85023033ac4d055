-- Fill pages_hour for the noted hours: views and the time to the next one from the page views and
-- the links between half hours; entries, exits and bounces from the sessions.
-- params:  first, last, last_end (timestamp: the first and the last noted hour, and its end)
insert into pages_hour (
    bucket_utc, workspace_id, region, device, page, views, timed_views, time_s_sum, entries,
    exits, bounces
)
with steps as (
    select bucket(3600, v.at_utc) as bucket_utc, v.workspace_id as workspace_id,
           v.region as region, v.device as device, v.page as page,
           case when v.user_id <> '' or v.session_id <> '' then 1 else 0 end as is_known,
           lead(1, 1, 0) over (
               partition by bucket(1800, v.at_utc), v.workspace_id,
                            session_unit(v.user_id, v.user_hash, v.session_id)
               order by v.at_utc, v.page, v.region, v.device) as is_followed,
           seconds_between(v.at_utc, lead(v.at_utc, 1, v.at_utc) over (
               partition by bucket(1800, v.at_utc), v.workspace_id,
                            session_unit(v.user_id, v.user_hash, v.session_id)
               order by v.at_utc, v.page, v.region, v.device)) as gap_s
    from page_views as v
    where v.at_utc >= $first and v.at_utc < $last_end
      and bucket(3600, v.at_utc) in (select h.hour_utc from session_hours as h)
), parts as (
    select t.bucket_utc as bucket_utc, t.workspace_id as workspace_id, t.region as region,
           t.device as device, t.page as page, count(*) as views,
           sum(t.is_known * t.is_followed)::bigint as timed_views,
           sum(t.is_known * t.gap_s) as time_s_sum,
           0 as entries, 0 as exits, 0 as bounces
    from steps as t
    group by t.bucket_utc, t.workspace_id, t.region, t.device, t.page
    union all
    select l.bucket_utc as bucket_utc, l.workspace_id as workspace_id, l.region as region,
           l.device as device, l.page as page, 0 as views, 1 as timed_views,
           l.time_s as time_s_sum, 0 as entries, 0 as exits, 0 as bounces
    from view_links as l
    where l.bucket_utc >= $first and l.bucket_utc <= $last
      and l.bucket_utc in (select h.hour_utc from session_hours as h)
    union all
    select s.bucket_utc as bucket_utc, s.workspace_id as workspace_id, s.region as region,
           s.device as device, s.entry_page as page, 0 as views, 0 as timed_views,
           0.0 as time_s_sum, 1 as entries, 0 as exits,
           case when s.is_bounce then 1 else 0 end as bounces
    from sessions as s
    where s.bucket_utc >= $first and s.bucket_utc <= $last and s.page_views > 0
      and s.bucket_utc in (select h.hour_utc from session_hours as h)
    union all
    select s.bucket_utc as bucket_utc, s.workspace_id as workspace_id, s.region as region,
           s.device as device, s.exit_page as page, 0 as views, 0 as timed_views,
           0.0 as time_s_sum, 0 as entries, 1 as exits, 0 as bounces
    from sessions as s
    where s.bucket_utc >= $first and s.bucket_utc <= $last and s.page_views > 0
      and s.bucket_utc in (select h.hour_utc from session_hours as h)
)
select p.bucket_utc, p.workspace_id, p.region, p.device, p.page,
       sum(p.views)::bigint as views_sum, sum(p.timed_views)::bigint as timed_sum,
       sum(p.time_s_sum) as time_sum, sum(p.entries)::bigint as entries_sum,
       sum(p.exits)::bigint as exits_sum, sum(p.bounces)::bigint as bounces_sum
from parts as p
group by p.bucket_utc, p.workspace_id, p.region, p.device, p.page
order by p.bucket_utc, p.workspace_id
