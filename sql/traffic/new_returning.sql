-- New and returning users of a span over time: new in the bucket of their first event ever in the
-- workspaces chosen, returning in every later one.
-- Rollups keep all workspaces together under the empty name; where a point is one of their
-- buckets, its new users are exact and the others are the rest.
-- Exact where no sketch of the bucket is full, else scaled up from the hashes below the lowest
-- that a full one ends at, with a standard error of at most 1/sqrt(sketch_size). Buckets under a
-- day need empty day pieces, under an hour empty hour pieces, as do models, agents, regions or
-- devices.
-- params:  width_s (bigint), sketch_size (bigint),
--          start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: bucket_start_utc, new_users, returning_users (count), is_estimate (0 or 1)
with firsts as (
    select f.user_hash as user_hash, bucket($width_s, min(f.first_utc)) as first_bucket_utc
    from first_seen as f
    where matches($workspaces, f.workspace_id)
    group by f.user_hash
), fresh as (
    select f.first_bucket_utc as first_bucket_utc, count(*) as new_users
    from firsts as f
    where takes_all($workspaces)
    group by f.first_bucket_utc
), whole as (
    select d.bucket_utc as bucket_start_utc, count(*) as found, max(d.user_hash) as highest_hash
    from users_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end and d.workspace_id = ''
      and $width_s = 86400 and takes_all($workspaces)
    group by d.bucket_utc
    union all
    select h.bucket_utc as bucket_start_utc, count(*) as found, max(h.user_hash) as highest_hash
    from users_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)) and h.workspace_id = ''
      and $width_s = 3600 and takes_all($workspaces)
    group by h.bucket_utc
), active as (
    select w.bucket_start_utc as bucket_start_utc, coalesce(n.new_users, 0) as new_users,
           case when w.found < $sketch_size then w.found
                else floor((w.found - 1) * 1.152921504606847e18 / w.highest_hash + 0.5)::bigint
           end as users,
           case when w.found < $sketch_size then 0 else 1 end as is_estimate
    from whole as w
    left join fresh as n on n.first_bucket_utc = w.bucket_start_utc
), sketches as (
    select bucket($width_s, d.bucket_utc) as bucket_start_utc,
           d.bucket_utc as bucket_utc, d.workspace_id as workspace_id, d.user_hash as user_hash
    from users_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
      and case when takes_all($workspaces) then d.workspace_id = '' and $width_s <> 86400
               else d.workspace_id <> '' and matches($workspaces, d.workspace_id) end
    union all
    select bucket($width_s, h.bucket_utc) as bucket_start_utc,
           h.bucket_utc as bucket_utc, h.workspace_id as workspace_id, h.user_hash as user_hash
    from users_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end))
      and case when takes_all($workspaces) then h.workspace_id = '' and $width_s <> 3600
               else h.workspace_id <> '' and matches($workspaces, h.workspace_id) end
), bounds as (
    select f.bucket_start_utc as bucket_start_utc, min(f.highest_hash) as below_hash
    from (
        select k.bucket_start_utc as bucket_start_utc, max(k.user_hash) as highest_hash
        from sketches as k
        group by k.bucket_start_utc, k.bucket_utc, k.workspace_id
        having count(*) >= $sketch_size
    ) as f
    group by f.bucket_start_utc
), seen as (
    select k.bucket_start_utc as bucket_start_utc, k.user_hash as user_hash
    from sketches as k
    union distinct
    select bucket($width_s, r.at_utc) as bucket_start_utc, r.user_hash as user_hash
    from requests as r
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end)) and r.user_id <> ''
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
    union distinct
    select bucket($width_s, v.at_utc) as bucket_start_utc, v.user_hash as user_hash
    from page_views as v
    where ($start < $hour_start or $hour_end < $end)
      and ((v.at_utc >= $start and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < $end)) and v.user_id <> ''
      and matches($workspaces, v.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, v.region)
      and matches($devices, v.device)
    union distinct
    select bucket($width_s, i.at_utc) as bucket_start_utc, i.user_hash as user_hash
    from interactions as i
    where ($start < $hour_start or $hour_end < $end)
      and ((i.at_utc >= $start and i.at_utc < $hour_start)
           or (i.at_utc >= $hour_end and i.at_utc < $end)) and i.user_id <> ''
      and matches($workspaces, i.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, i.region)
      and matches($devices, i.device)
), counted as (
    select s.bucket_start_utc as bucket_start_utc, max(b.below_hash) as below_hash,
           sum(case when f.first_bucket_utc = s.bucket_start_utc then 1 else 0 end)::bigint
               as new_found,
           sum(case when f.first_bucket_utc = s.bucket_start_utc then 0 else 1 end)::bigint
               as returning_found
    from seen as s
    left join bounds as b on b.bucket_start_utc = s.bucket_start_utc
    left join firsts as f on f.user_hash = s.user_hash
    where s.user_hash < coalesce(b.below_hash, 2000000000000000000)
    group by s.bucket_start_utc
), told as (
    select t.bucket_start_utc as bucket_start_utc,
           case when t.below_hash is null then t.new_found
                else floor(t.new_found * 1.152921504606847e18 / t.below_hash + 0.5)::bigint
           end as new_users,
           case when t.below_hash is null then t.returning_found
                else floor(t.returning_found * 1.152921504606847e18 / t.below_hash + 0.5)::bigint
           end as returning_users,
           case when t.below_hash is null then 0 else 1 end as is_estimate
    from counted as t
    union all
    select a.bucket_start_utc as bucket_start_utc, a.new_users as new_users,
           case when a.users > a.new_users then a.users - a.new_users else 0 end as returning_users,
           a.is_estimate as is_estimate
    from active as a
)
select t.bucket_start_utc, t.new_users, t.returning_users, t.is_estimate
from told as t
order by t.bucket_start_utc
