-- Latency of each agent in a span, most requests first: at most 1,000; from log-scaled counts
-- (±1 %). With models, regions or devices chosen the hour and day pieces must be empty.
-- params:  start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: name, timed_requests (with a latency), p50_ms, p95_ms
with pieces as (
    select d.workspace_id, d.agent_id, d.latency_bucket, d.requests
    from latency_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.workspace_id, h.agent_id, h.latency_bucket, h.requests
    from latency_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select r.workspace_id, r.agent_id, latency_bucket(r.latency_ms) as latency_bucket,
           1 as requests
    from requests as r
    where r.latency_ms is not null
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end))
      and matches($models, r.model) and matches($regions, r.region)
      and matches($devices, r.device)
), counted as (
    select p.agent_id as name, p.latency_bucket, sum(p.requests)::bigint as found
    from pieces as p
    where matches($workspaces, p.workspace_id) and matches($agents, p.agent_id)
    group by p.agent_id, p.latency_bucket
), cumulated as (
    select n.name, n.latency_bucket,
           sum(n.found) over (partition by n.name order by n.latency_bucket) as upto,
           sum(n.found) over (partition by n.name) as total
    from counted as n
)
select c.name, max(c.total)::bigint as timed_requests,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 50
                                  then c.latency_bucket end)) as p50_ms,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 95
                                  then c.latency_bucket end)) as p95_ms
from cumulated as c
group by c.name
order by timed_requests desc, c.name
limit 1000
