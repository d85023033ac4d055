-- Usage of a span, one row: days and hours from the rollups, the edges from the requests.
-- params:  start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: requests, errors, cached, latency_ms_sum, latency_count, input_tokens,
--          cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens (billed ones:
--          cached answers took none), cost_usd, unpriced_requests, unpriced_tokens
with pieces as (
    select d.workspace_id, d.model, d.agent_id, d.region, d.device, d.requests, d.errors,
           d.cached, d.latency_ms_sum, d.latency_count, d.input_tokens, d.cache_read_tokens,
           d.cache_write_tokens, d.output_tokens, d.reasoning_tokens, d.cost_usd,
           d.unpriced_requests, d.unpriced_tokens
    from usage_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.workspace_id, h.model, h.agent_id, h.region, h.device, h.requests, h.errors,
           h.cached, h.latency_ms_sum, h.latency_count, h.input_tokens, h.cache_read_tokens,
           h.cache_write_tokens, h.output_tokens, h.reasoning_tokens, h.cost_usd,
           h.unpriced_requests, h.unpriced_tokens
    from usage_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select r.workspace_id, r.model, r.agent_id, r.region, r.device, 1 as requests,
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
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end))
)
select coalesce(sum(p.requests), 0)::bigint as requests,
       coalesce(sum(p.errors), 0)::bigint as errors,
       coalesce(sum(p.cached), 0)::bigint as cached,
       coalesce(sum(p.latency_ms_sum), 0) as latency_ms_sum,
       coalesce(sum(p.latency_count), 0)::bigint as latency_count,
       coalesce(sum(p.input_tokens), 0)::bigint as input_tokens,
       coalesce(sum(p.cache_read_tokens), 0)::bigint as cache_read_tokens,
       coalesce(sum(p.cache_write_tokens), 0)::bigint as cache_write_tokens,
       coalesce(sum(p.output_tokens), 0)::bigint as output_tokens,
       coalesce(sum(p.reasoning_tokens), 0)::bigint as reasoning_tokens,
       coalesce(sum(p.cost_usd), 0) as cost_usd,
       coalesce(sum(p.unpriced_requests), 0)::bigint as unpriced_requests,
       coalesce(sum(p.unpriced_tokens), 0)::bigint as unpriced_tokens
from pieces as p
where matches($workspaces, p.workspace_id) and matches($models, p.model)
  and matches($agents, p.agent_id) and matches($regions, p.region) and matches($devices, p.device)
