-- Requests of a short span in equal steps, real ones or those of the demonstration.
-- params:  width_s (bigint), is_demo (bigint, 0 or 1), start, end (timestamp)
-- columns: bucket_start_utc, requests, errors, rejected, cached (counts), latency_p95_ms (of those
--          that were answered), cost_usd (of those with a price)
with asked as (
    select bucket($width_s, r.at_utc) as bucket_start_utc, r.status, r.error_code, r.cached,
           r.latency_ms, r.cost_pico_usd,
           case when r.status = 'ok' and r.latency_ms is not null then 1 else 0 end as timed
    from priced_requests as r
    where r.at_utc >= $start and r.at_utc < $end
      and case when r.source = 'demo' then 1 else 0 end = $is_demo
), ranked as (
    select a.bucket_start_utc, a.status, a.error_code, a.cached, a.latency_ms, a.cost_pico_usd,
           a.timed,
           row_number() over (partition by a.bucket_start_utc, a.timed order by a.latency_ms)
               as place,
           count(*) over (partition by a.bucket_start_utc, a.timed) as alike
    from asked as a
)
select k.bucket_start_utc, count(*)::bigint as requests,
       sum(case when k.status = 'error' then 1 else 0 end)::bigint as errors,
       sum(case when k.status = 'error' and k.error_code in (
           '429', '503', 'http_429', 'http_503', 'rate_limited', 'overloaded', 'queue_full',
           'rejected', 'capacity') then 1 else 0 end)::bigint as rejected,
       sum(case when k.cached then 1 else 0 end)::bigint as cached,
       min(case when k.timed = 1 and k.place * 100 >= k.alike * 95 then k.latency_ms end)
           as latency_p95_ms,
       pico_to_usd(coalesce(sum(k.cost_pico_usd), 0)) as cost_usd
from ranked as k
group by k.bucket_start_utc
order by k.bucket_start_utc
