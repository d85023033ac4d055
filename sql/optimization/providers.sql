-- How each provider did in a short span, real requests or those of the demonstration.
-- params:  is_demo (bigint, 0 or 1), start, end (timestamp)
-- columns: provider, requests, errors (counts), latency_p95_ms (of those that were answered)
with asked as (
    select r.provider, r.status, r.latency_ms,
           case when r.status = 'ok' and r.latency_ms is not null then 1 else 0 end as timed
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and r.cached = false and r.provider <> ''
      and case when r.source = 'demo' then 1 else 0 end = $is_demo
), ranked as (
    select a.provider, a.status, a.latency_ms, a.timed,
           row_number() over (partition by a.provider, a.timed order by a.latency_ms) as place,
           count(*) over (partition by a.provider, a.timed) as alike
    from asked as a
)
select k.provider, count(*)::bigint as requests,
       sum(case when k.status = 'error' then 1 else 0 end)::bigint as errors,
       min(case when k.timed = 1 and k.place * 100 >= k.alike * 95 then k.latency_ms end)
           as latency_p95_ms
from ranked as k
group by k.provider
order by k.provider
limit 100
