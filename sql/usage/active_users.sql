-- Distinct users of a span, as a whole or by one dimension, most first: bottom-k estimate.
-- Exact below sketch_size users, else with a standard error of 1/sqrt(sketch_size). Dimensions
-- other than workspace_id, and models, agents, regions or devices, need empty hour and day pieces.
-- Rollups keep all workspaces together under the empty name.
-- params:  dimension (text: '' or a column such as model), sketch_size (bigint),
--          start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: name, users (count), is_estimate (0 or 1)
with seen as (
    select case when $dimension = 'workspace_id' then d.workspace_id else '' end as name,
           d.user_hash
    from users_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
      and case when $dimension = 'workspace_id' or not matches($workspaces, '')
               then d.workspace_id <> '' and matches($workspaces, d.workspace_id)
               else d.workspace_id = '' end
    union distinct
    select case when $dimension = 'workspace_id' then h.workspace_id else '' end as name,
           h.user_hash
    from users_hour as h
    where ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end))
      and case when $dimension = 'workspace_id' or not matches($workspaces, '')
               then h.workspace_id <> '' and matches($workspaces, h.workspace_id)
               else h.workspace_id = '' end
    union distinct
    select case when $dimension = 'workspace_id' then r.workspace_id
                when $dimension = 'model' then r.model
                when $dimension = 'agent_id' then r.agent_id
                when $dimension = 'region' then r.region
                when $dimension = 'device' then r.device
                else '' end as name, r.user_hash
    from requests as r
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end)) and r.user_id <> ''
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
    union distinct
    select case when $dimension = 'workspace_id' then v.workspace_id
                when $dimension = 'region' then v.region
                when $dimension = 'device' then v.device
                else '' end as name, v.user_hash
    from page_views as v
    where ($start < $hour_start or $hour_end < $end)
      and ((v.at_utc >= $start and v.at_utc < $hour_start)
           or (v.at_utc >= $hour_end and v.at_utc < $end)) and v.user_id <> ''
      and matches($workspaces, v.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, v.region)
      and matches($devices, v.device)
    union distinct
    select case when $dimension = 'workspace_id' then i.workspace_id
                when $dimension = 'region' then i.region
                when $dimension = 'device' then i.device
                else '' end as name, i.user_hash
    from interactions as i
    where ($start < $hour_start or $hour_end < $end)
      and ((i.at_utc >= $start and i.at_utc < $hour_start)
           or (i.at_utc >= $hour_end and i.at_utc < $end)) and i.user_id <> ''
      and matches($workspaces, i.workspace_id) and matches($models, '')
      and matches($agents, '') and matches($regions, i.region)
      and matches($devices, i.device)
), ranked as (
    select s.name, s.user_hash,
           row_number() over (partition by s.name order by s.user_hash) as place
    from seen as s
), kept as (
    select k.name, count(*)::bigint as found,
           max(case when k.place = $sketch_size then k.user_hash end) as last_hash
    from ranked as k
    group by k.name
)
select t.name,
       case when t.last_hash is null or $hour_start = $hour_end then t.found
            else floor(($sketch_size - 1) * 1.152921504606847e18 / t.last_hash + 0.5)::bigint
       end as users,
       case when t.last_hash is null or $hour_start = $hour_end then 0 else 1 end as is_estimate
from kept as t
order by users desc, t.name
limit 1000
