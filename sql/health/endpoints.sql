-- Endpoints of a span by p95 latency, slowest first, from the events themselves.
-- params:  start, end (timestamp), limit (bigint),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: endpoint, requests (count), errors (count), mean_ms, p50_ms, p95_ms, p99_ms (null
--          without a latency)
with counted as (
    select r.endpoint as place, latency_bucket(r.latency_ms) as slot, count(*) as found
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and r.latency_ms is not null
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
    group by r.endpoint, latency_bucket(r.latency_ms)
), cumulated as (
    select n.place, n.slot,
           sum(n.found) over (partition by n.place order by n.slot) as upto,
           sum(n.found) over (partition by n.place) as total
    from counted as n
), quantiles as (
    select c.place,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 50 then c.slot end)) as q50,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 95 then c.slot end)) as q95,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 99 then c.slot end)) as q99
    from cumulated as c
    group by c.place
), totals as (
    select r.endpoint as place, count(*) as asked,
           sum(case when r.status = 'error' then 1 else 0 end) as failed,
           avg(r.latency_ms) as mean_latency_ms
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
    group by r.endpoint
)
select t.place as endpoint, t.asked::bigint as requests, t.failed::bigint as errors,
       t.mean_latency_ms as mean_ms, q.q50 as p50_ms, q.q95 as p95_ms, q.q99 as p99_ms
from totals as t
left join quantiles as q on q.place = t.place
order by coalesce(q.q95, 0) desc, t.place
limit $limit
