-- Latency of each endpoint or agent (or of all together) from the events of a span, most requests
-- first; from log-scaled counts (±1 %). Reads every request of the span.
-- params:  start, end (timestamp), dimension (text: endpoint, agent_id, or empty for all together),
--          workspaces (text list, empty for all), limit (bigint)
-- columns: name, requests (count), errors (count), timed_requests (with a latency),
--          p50_ms, p95_ms, p99_ms (null without a latency)
with seen as (
    select case when $dimension = 'endpoint' then r.endpoint
                when $dimension = 'agent_id' then r.agent_id else '' end as name,
           r.status, r.latency_ms
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and matches($workspaces, r.workspace_id)
), asked as (
    select s.name, count(*)::bigint as requests,
           sum(case when s.status = 'error' then 1 else 0 end)::bigint as errors
    from seen as s
    group by s.name
), counted as (
    select s.name, latency_bucket(s.latency_ms) as latency_bucket, count(*)::bigint as found
    from seen as s
    where s.latency_ms is not null
    group by s.name, latency_bucket(s.latency_ms)
), cumulated as (
    select n.name, n.latency_bucket,
           sum(n.found) over (partition by n.name order by n.latency_bucket) as upto,
           sum(n.found) over (partition by n.name) as total
    from counted as n
), timed as (
    select c.name, max(c.total)::bigint as timed_requests,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 50
                                      then c.latency_bucket end)) as p50_ms,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 95
                                      then c.latency_bucket end)) as p95_ms,
           latency_of_bucket(min(case when c.upto * 100 >= c.total * 99
                                      then c.latency_bucket end)) as p99_ms
    from cumulated as c
    group by c.name
)
select a.name, a.requests, a.errors, coalesce(t.timed_requests, 0)::bigint as timed_requests,
       t.p50_ms, t.p95_ms, t.p99_ms
from asked as a
left join timed as t on t.name = a.name
order by a.requests desc, a.name
limit $limit
