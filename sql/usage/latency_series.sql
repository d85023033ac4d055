-- Latency percentiles of a span over time, from log-scaled counts (±1 %).
-- Buckets under a day need empty day pieces, under an hour empty hour pieces, as do models,
-- regions or devices. All workspaces and agents have rollups of their own, far smaller.
-- params:  width_s (bigint),
--          start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: bucket_start_utc, requests (with a latency), p50_ms, p95_ms, p99_ms
with pieces as (
    select d.bucket_utc, d.workspace_id, d.agent_id, d.latency_bucket, d.requests
    from latency_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select t.bucket_utc, '' as workspace_id, '' as agent_id, t.latency_bucket, t.requests
    from latency_hour_total as t
    where takes_all($workspaces) and takes_all($agents)
      and ((t.bucket_utc >= $hour_start and t.bucket_utc < $day_start)
           or (t.bucket_utc >= $day_end and t.bucket_utc < $hour_end))
    union all
    select h.bucket_utc, h.workspace_id, h.agent_id, h.latency_bucket, h.requests
    from latency_hour as h
    where not (takes_all($workspaces) and takes_all($agents))
      and ((h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
           or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end))
    union all
    select r.at_utc as bucket_utc, r.workspace_id, r.agent_id,
           latency_bucket(r.latency_ms) as latency_bucket, 1 as requests
    from requests as r
    where r.latency_ms is not null
      and ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end))
      and matches($models, r.model) and matches($regions, r.region)
      and matches($devices, r.device)
), counted as (
    select bucket($width_s, p.bucket_utc) as bucket_start_utc, p.latency_bucket,
           sum(p.requests)::bigint as found
    from pieces as p
    where matches($workspaces, p.workspace_id) and matches($agents, p.agent_id)
    group by bucket($width_s, p.bucket_utc), p.latency_bucket
), cumulated as (
    select n.bucket_start_utc, n.latency_bucket, n.found,
           sum(n.found) over (partition by n.bucket_start_utc order by n.latency_bucket)
               as upto,
           sum(n.found) over (partition by n.bucket_start_utc) as total
    from counted as n
)
select c.bucket_start_utc, coalesce(sum(c.found), 0)::bigint as requests,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 50
                                  then c.latency_bucket end)) as p50_ms,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 95
                                  then c.latency_bucket end)) as p95_ms,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 99
                                  then c.latency_bucket end)) as p99_ms
from cumulated as c
group by c.bucket_start_utc
order by c.bucket_start_utc
