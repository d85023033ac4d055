-- Ratings that came in a span by agent, most first: at most 1,000. A rating belongs to the agent
-- it names, else to that of the request it is about; one that leads to no agent has the empty
-- name. Model, region and device are those of the request, looked for from request_start on.
-- params:  request_start, start, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: name, ratings (count), one_star, two_stars, three_stars, four_stars, five_stars (count)
with rated as (
    select f.workspace_id, f.agent_id, f.request_id, f.stars
    from feedback as f
    where f.at_utc >= $start and f.at_utc < $end and matches($workspaces, f.workspace_id)
), asked as (
    select distinct r.event_id, r.workspace_id, r.agent_id, r.model, r.region, r.device
    from requests as r
    where r.at_utc >= $request_start and r.at_utc < $end
      and matches($workspaces, r.workspace_id)
      and r.event_id in (
          select d.request_id from rated as d
          where d.request_id <> ''
            and (d.agent_id = '' or not matches($models, '') or not matches($regions, '')
                 or not matches($devices, '')))
), joined as (
    select case when t.agent_id <> '' then t.agent_id else coalesce(a.agent_id, '') end as name,
           coalesce(a.model, '') as model, coalesce(a.region, '') as region,
           coalesce(a.device, '') as device, t.stars
    from rated as t
    left join asked as a on a.event_id = t.request_id and a.workspace_id = t.workspace_id
)
select j.name, count(*)::bigint as ratings,
       sum(case when j.stars = 1 then 1 else 0 end)::bigint as one_star,
       sum(case when j.stars = 2 then 1 else 0 end)::bigint as two_stars,
       sum(case when j.stars = 3 then 1 else 0 end)::bigint as three_stars,
       sum(case when j.stars = 4 then 1 else 0 end)::bigint as four_stars,
       sum(case when j.stars = 5 then 1 else 0 end)::bigint as five_stars
from joined as j
where matches($agents, j.name) and matches($models, j.model) and matches($regions, j.region)
  and matches($devices, j.device)
group by j.name
order by ratings desc, j.name
limit 1000
