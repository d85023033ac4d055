-- 95th percentile of latency over time, all workspaces together, from the counts of each minute.
-- params:  start, end (timestamp, whole minutes), width_s (bigint)
-- columns: bucket_start_utc, p95_ms
with counted as (
    select bucket($width_s, m.bucket_utc) as bucket_start_utc, m.latency_bucket,
           sum(m.requests)::bigint as found
    from latency_minute as m
    where m.bucket_utc >= $start and m.bucket_utc < $end
    group by bucket($width_s, m.bucket_utc), m.latency_bucket
), cumulated as (
    select n.bucket_start_utc, n.latency_bucket,
           sum(n.found) over (partition by n.bucket_start_utc order by n.latency_bucket)
               as upto,
           sum(n.found) over (partition by n.bucket_start_utc) as total
    from counted as n
)
select c.bucket_start_utc,
       latency_of_bucket(min(case when c.upto * 100 >= c.total * 95
                                  then c.latency_bucket end)) as p95_ms
from cumulated as c
group by c.bucket_start_utc
order by c.bucket_start_utc
