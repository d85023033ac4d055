-- Most viewed pages of a span: days and hours from the rollups, the edges from the page views.
-- Time on a page runs to the next view in the same session (time_s_sum over timed_views); the
-- last view of a session has none. Entries, exits and bounces are of the sessions that start in
-- the span. Viewers are exact for regions and devices and where no day or hour has 2,600 of a
-- page, else estimated from the smallest hashes with a standard error of at most 2 %.
-- params:  start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, regions, devices (text list, empty for all), limit (bigint)
-- columns: page, views, viewers (distinct users), is_estimate (0 or 1), timed_views, time_s_sum,
--          entries, exits, bounces
with steps as (
    select v.at_utc as at_utc, v.workspace_id as workspace_id,
           session_unit(v.user_id, v.user_hash, v.session_id) as unit_hash, v.page as page,
           v.region as region, v.device as device,
           case when v.user_id <> '' or v.session_id <> '' then 1 else 0 end as is_known,
           lead(v.at_utc, 1, v.at_utc) over (
               partition by bucket(1800, v.at_utc), v.workspace_id,
                            session_unit(v.user_id, v.user_hash, v.session_id)
               order by v.at_utc, v.page, v.region, v.device) as next_utc,
           lead(1, 1, 0) over (
               partition by bucket(1800, v.at_utc), v.workspace_id,
                            session_unit(v.user_id, v.user_hash, v.session_id)
               order by v.at_utc, v.page, v.region, v.device) as is_followed
    from page_views as v
    where ($start < $hour_start or $hour_end < $end)
      and ((v.at_utc >= bucket(1800, $start) and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < add_ms(bucket(1800, $end), 1800000)))
), pieces as (
    select d.workspace_id as workspace_id, d.region as region, d.device as device,
           d.page as page, d.views as views, d.timed_views as timed_views,
           d.time_s_sum as time_s_sum, d.entries as entries, d.exits as exits,
           d.bounces as bounces
    from pages_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.workspace_id as workspace_id, h.region as region, h.device as device,
           h.page as page, h.views as views, h.timed_views as timed_views,
           h.time_s_sum as time_s_sum, h.entries as entries, h.exits as exits,
           h.bounces as bounces
    from pages_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select t.workspace_id as workspace_id, t.region as region, t.device as device,
           t.page as page, 1 as views, t.is_followed * t.is_known as timed_views,
           t.is_known * seconds_between(t.at_utc, t.next_utc) as time_s_sum,
           0 as entries, 0 as exits, 0 as bounces
    from steps as t
    where ($start < $hour_start or $hour_end < $end)
      and ((t.at_utc >= $start and t.at_utc < $hour_start)
           or (t.at_utc >= $hour_end and t.at_utc < $end))
    union all
    select l.workspace_id as workspace_id, l.region as region, l.device as device,
           l.page as page, 0 as views, 1 as timed_views, l.time_s as time_s_sum,
           0 as entries, 0 as exits, 0 as bounces
    from view_links as l
    where ($start < $hour_start or $hour_end < $end)
      and ((l.at_utc >= $start and l.at_utc < $hour_start)
           or (l.at_utc >= $hour_end and l.at_utc < $end))
    union all
    select s.workspace_id as workspace_id, s.region as region, s.device as device,
           s.entry_page as page, 0 as views, 0 as timed_views, 0.0 as time_s_sum,
           1 as entries, 0 as exits, case when s.is_bounce then 1 else 0 end as bounces
    from sessions as s
    where ($start < $hour_start or $hour_end < $end)
      and ((s.start_utc >= $start and s.start_utc < $hour_start)
           or (s.start_utc >= $hour_end and s.start_utc < $end)) and s.page_views > 0
    union all
    select s.workspace_id as workspace_id, s.region as region, s.device as device,
           s.exit_page as page, 0 as views, 0 as timed_views, 0.0 as time_s_sum,
           0 as entries, 1 as exits, 0 as bounces
    from sessions as s
    where ($start < $hour_start or $hour_end < $end)
      and ((s.start_utc >= $start and s.start_utc < $hour_start)
           or (s.start_utc >= $hour_end and s.start_utc < $end)) and s.page_views > 0
), shown as (
    select p.page as page, sum(p.views)::bigint as views,
           sum(p.timed_views)::bigint as timed_views, sum(p.time_s_sum) as time_s_sum,
           sum(p.entries)::bigint as entries, sum(p.exits)::bigint as exits,
           sum(p.bounces)::bigint as bounces
    from pieces as p
    where matches($workspaces, p.workspace_id) and matches($regions, p.region)
      and matches($devices, p.device)
    group by p.page
    order by views desc, entries desc, page
    limit $limit
), sketches as (
    select d.bucket_utc as bucket_utc, d.workspace_id as workspace_id, d.name as page,
           d.user_hash as user_hash, 86400 as width_s
    from viewers_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end and d.aspect = 'page'
      and takes_all($regions) and takes_all($devices)
      and case when takes_all($workspaces) then d.workspace_id = ''
               else d.workspace_id <> '' and matches($workspaces, d.workspace_id) end
      and d.name in (select page from shown)
    union all
    select h.bucket_utc as bucket_utc, h.workspace_id as workspace_id, h.name as page,
           h.user_hash as user_hash, 3600 as width_s
    from viewers_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)) and h.aspect = 'page'
      and takes_all($regions) and takes_all($devices)
      and case when takes_all($workspaces) then h.workspace_id = ''
               else h.workspace_id <> '' and matches($workspaces, h.workspace_id) end
      and h.name in (select page from shown)
), bounds as (
    select f.page as page, min(f.highest_hash) as below_hash
    from (
        select k.page as page, max(k.user_hash) as highest_hash
        from sketches as k
        group by k.page, k.workspace_id, k.bucket_utc, k.width_s
        having count(*) >= 2600
    ) as f
    group by f.page
), seen as (
    select k.page as page, k.user_hash as user_hash
    from sketches as k
    union distinct
    select v.page as page, v.user_hash as user_hash
    from page_views as v
    where ($start < $hour_start or $hour_end < $end
           or not (takes_all($regions) and takes_all($devices)))
      and ((v.at_utc >= $start and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < $end)
           or (v.at_utc >= $start and v.at_utc < $end
               and not (takes_all($regions) and takes_all($devices))))
      and v.user_id <> '' and matches($workspaces, v.workspace_id)
      and matches($regions, v.region) and matches($devices, v.device)
), counted as (
    select s.page as page, count(*) as found, max(b.below_hash) as below_hash
    from seen as s
    left join bounds as b on b.page = s.page
    where s.user_hash < coalesce(b.below_hash, 2000000000000000000)
    group by s.page
)
select t.page as page, t.views as views,
       case when c.found is null then 0
            when c.below_hash is null then c.found
            else floor(c.found * 1.152921504606847e18 / c.below_hash + 0.5)::bigint
       end as viewers,
       case when c.below_hash is null then 0 else 1 end as is_estimate,
       t.timed_views as timed_views, t.time_s_sum as time_s_sum, t.entries as entries,
       t.exits as exits, t.bounces as bounces
from shown as t
left join counted as c on c.page = t.page
order by views desc, entries desc, page
