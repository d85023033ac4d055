-- Usage of a span over time from whole minutes, which know workspaces only.
-- params:  width_s (bigint), start, minute_start, minute_end, end (timestamp),
--          workspaces (text list, empty for all)
-- columns: bucket_start_utc,
--          requests, errors, cached, latency_ms_sum, latency_count, input_tokens,
--          cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens (billed ones:
--          cached answers took none), cost_usd, unpriced_requests, unpriced_tokens
with pieces as (
    select m.bucket_utc, m.workspace_id, m.requests, m.errors, m.cached, m.latency_ms_sum,
           m.latency_count, m.input_tokens, m.cache_read_tokens, m.cache_write_tokens,
           m.output_tokens, m.reasoning_tokens, m.cost_usd, m.unpriced_requests,
           m.unpriced_tokens
    from usage_minute as m
    where m.bucket_utc >= $minute_start and m.bucket_utc < $minute_end
    union all
    select r.at_utc as bucket_utc, r.workspace_id, 1 as requests,
           case when r.status = 'error' then 1 else 0 end as errors,
           case when r.cached then 1 else 0 end as cached,
           coalesce(r.latency_ms, 0) as latency_ms_sum,
           case when r.latency_ms is null then 0 else 1 end as latency_count,
           case when r.cached then 0 else r.input_tokens end as input_tokens,
           case when r.cached then 0 else r.cache_read_tokens end as cache_read_tokens,
           case when r.cached then 0 else r.cache_write_tokens end as cache_write_tokens,
           case when r.cached then 0 else r.output_tokens end as output_tokens,
           case when r.cached then 0 else r.reasoning_tokens end as reasoning_tokens,
           pico_to_usd(coalesce(r.cost_pico_usd, 0)) as cost_usd,
           case when r.cost_pico_usd is null then 1 else 0 end as unpriced_requests,
           case when r.cost_pico_usd is null then r.billed_tokens else 0 end as unpriced_tokens
    from priced_requests as r
    where ($start < $minute_start or $minute_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $minute_start)
           or (r.at_utc >= $minute_end and r.at_utc < $end))
)
select bucket($width_s, p.bucket_utc) as bucket_start_utc,
       sum(p.requests)::bigint as requests,
       sum(p.errors)::bigint as errors,
       sum(p.cached)::bigint as cached,
       sum(p.latency_ms_sum) as latency_ms_sum,
       sum(p.latency_count)::bigint as latency_count,
       sum(p.input_tokens)::bigint as input_tokens,
       sum(p.cache_read_tokens)::bigint as cache_read_tokens,
       sum(p.cache_write_tokens)::bigint as cache_write_tokens,
       sum(p.output_tokens)::bigint as output_tokens,
       sum(p.reasoning_tokens)::bigint as reasoning_tokens,
       sum(p.cost_usd) as cost_usd,
       sum(p.unpriced_requests)::bigint as unpriced_requests,
       sum(p.unpriced_tokens)::bigint as unpriced_tokens
from pieces as p
where matches($workspaces, p.workspace_id)
group by bucket_start_utc
order by bucket_start_utc
