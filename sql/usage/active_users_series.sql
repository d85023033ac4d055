-- Distinct users of a span over time: bottom-k estimate.
-- Exact below sketch_size users, else with a standard error of 1/sqrt(sketch_size). Buckets under
-- a day need empty day pieces, under an hour empty hour pieces, as do models, agents, regions or
-- devices.
-- Rollups keep all workspaces together under the empty name; where a point is one of their
-- buckets, their hashes need no ranking.
-- params:  width_s (bigint), sketch_size (bigint),
--          start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: bucket_start_utc, users (count), is_estimate (0 or 1)
with whole as (
    select d.bucket_utc as bucket_start_utc, count(*)::bigint as found,
           max(d.user_hash) as highest_hash
    from users_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end and d.workspace_id = ''
      and $width_s = 86400 and matches($workspaces, '')
    group by d.bucket_utc
    union all
    select h.bucket_utc as bucket_start_utc, count(*)::bigint as found,
           max(h.user_hash) as highest_hash
    from users_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)) and h.workspace_id = ''
      and $width_s = 3600 and matches($workspaces, '')
    group by h.bucket_utc
), seen as (
    select bucket($width_s, d.bucket_utc) as bucket_start_utc, d.user_hash
    from users_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
      and case when not matches($workspaces, '')
               then d.workspace_id <> '' and matches($workspaces, d.workspace_id)
               else d.workspace_id = '' and $width_s <> 86400 end
    union distinct
    select bucket($width_s, h.bucket_utc) as bucket_start_utc, h.user_hash
    from users_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end))
      and case when not matches($workspaces, '')
               then h.workspace_id <> '' and matches($workspaces, h.workspace_id)
               else h.workspace_id = '' and $width_s <> 3600 end
    union distinct
    select bucket($width_s, r.at_utc) as bucket_start_utc, r.user_hash
    from requests as r
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end)) and r.user_id <> ''
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
    union distinct
    select bucket($width_s, v.at_utc) as bucket_start_utc, v.user_hash
    from page_views as v
    where ($start < $hour_start or $hour_end < $end)
      and ((v.at_utc >= $start and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < $end)) and v.user_id <> ''
      and matches($workspaces, v.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, v.region)
      and matches($devices, v.device)
    union distinct
    select bucket($width_s, i.at_utc) as bucket_start_utc, i.user_hash
    from interactions as i
    where ($start < $hour_start or $hour_end < $end)
      and ((i.at_utc >= $start and i.at_utc < $hour_start)
           or (i.at_utc >= $hour_end and i.at_utc < $end)) and i.user_id <> ''
      and matches($workspaces, i.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, i.region)
      and matches($devices, i.device)
), ranked as (
    select s.bucket_start_utc, s.user_hash,
           row_number() over (partition by s.bucket_start_utc order by s.user_hash) as place
    from seen as s
), kept as (
    select k.bucket_start_utc, count(*)::bigint as found,
           max(case when k.place = $sketch_size then k.user_hash end) as last_hash,
           $sketch_size::bigint as last_place
    from ranked as k
    group by k.bucket_start_utc
    union all
    select w.bucket_start_utc, w.found,
           case when w.found >= $sketch_size then w.highest_hash end as last_hash,
           w.found as last_place
    from whole as w
)
select t.bucket_start_utc,
       case when t.last_hash is null or $hour_start = $hour_end then t.found
            else floor((t.last_place - 1) * 1.152921504606847e18 / t.last_hash + 0.5)::bigint
       end as users,
       case when t.last_hash is null or $hour_start = $hour_end then 0 else 1 end as is_estimate
from kept as t
order by t.bucket_start_utc
