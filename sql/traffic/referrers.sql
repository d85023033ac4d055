-- Where page views of a span come from, most views first, at most 50: days and hours from the
-- rollups, the edges from the page views. The empty name is no referrer.
-- Viewers are exact for regions and devices and where no day or hour has 2,600 of a referrer,
-- else estimated from the smallest hashes with a standard error of at most 2 %.
-- params:  start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, regions, devices (text list, empty for all)
-- columns: name, views, viewers (distinct users), is_estimate (0 or 1)
with pieces as (
    select d.workspace_id as workspace_id, d.region as region, d.device as device,
           d.referrer as name, d.views as views
    from referrers_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.workspace_id as workspace_id, h.region as region, h.device as device,
           h.referrer as name, h.views as views
    from referrers_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select v.workspace_id as workspace_id, v.region as region, v.device as device,
           v.referrer as name, 1 as views
    from page_views as v
    where ($start < $hour_start or $hour_end < $end)
      and ((v.at_utc >= $start and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < $end))
), shown as (
    select p.name as name, sum(p.views)::bigint as views
    from pieces as p
    where matches($workspaces, p.workspace_id) and matches($regions, p.region)
      and matches($devices, p.device)
    group by p.name
    order by views desc, name
    limit 50
), sketches as (
    select d.bucket_utc as bucket_utc, d.workspace_id as workspace_id, d.name as name,
           d.user_hash as user_hash, 86400 as width_s
    from viewers_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end and d.aspect = 'referrer'
      and takes_all($regions) and takes_all($devices)
      and case when takes_all($workspaces) then d.workspace_id = ''
               else d.workspace_id <> '' and matches($workspaces, d.workspace_id) end
      and d.name in (select name from shown)
    union all
    select h.bucket_utc as bucket_utc, h.workspace_id as workspace_id, h.name as name,
           h.user_hash as user_hash, 3600 as width_s
    from viewers_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)) and h.aspect = 'referrer'
      and takes_all($regions) and takes_all($devices)
      and case when takes_all($workspaces) then h.workspace_id = ''
               else h.workspace_id <> '' and matches($workspaces, h.workspace_id) end
      and h.name in (select name from shown)
), bounds as (
    select f.name as name, min(f.highest_hash) as below_hash
    from (
        select k.name as name, max(k.user_hash) as highest_hash
        from sketches as k
        group by k.name, k.workspace_id, k.bucket_utc, k.width_s
        having count(*) >= 2600
    ) as f
    group by f.name
), seen as (
    select k.name as name, k.user_hash as user_hash
    from sketches as k
    union distinct
    select v.referrer as name, v.user_hash as user_hash
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
    select s.name as name, count(*) as found, max(b.below_hash) as below_hash
    from seen as s
    left join bounds as b on b.name = s.name
    where s.user_hash < coalesce(b.below_hash, 2000000000000000000)
    group by s.name
)
select t.name as name, t.views as views,
       case when c.found is null then 0
            when c.below_hash is null then c.found
            else floor(c.found * 1.152921504606847e18 / c.below_hash + 0.5)::bigint
       end as viewers,
       case when c.below_hash is null then 0 else 1 end as is_estimate
from shown as t
left join counted as c on c.name = t.name
order by views desc, name
