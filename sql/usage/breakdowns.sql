-- Usage of a span by several dimensions at once, most requests first: at most 1,000 rows of each.
-- params:  dimensions (text list: workspace_id, provider, model, agent_id, region, device; empty
--          for all of them), start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: dimension, name,
--          requests, errors, cached, latency_ms_sum, latency_count, input_tokens,
--          cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens (billed ones:
--          cached answers took none), cost_usd, unpriced_requests, unpriced_tokens
with pieces as (
    select d.workspace_id, d.provider, d.model, d.agent_id, d.region, d.device, d.requests,
           d.errors, d.cached, d.latency_ms_sum, d.latency_count, d.input_tokens,
           d.cache_read_tokens, d.cache_write_tokens, d.output_tokens, d.reasoning_tokens,
           d.cost_usd, d.unpriced_requests, d.unpriced_tokens
    from usage_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.workspace_id, h.provider, h.model, h.agent_id, h.region, h.device, h.requests,
           h.errors, h.cached, h.latency_ms_sum, h.latency_count, h.input_tokens,
           h.cache_read_tokens, h.cache_write_tokens, h.output_tokens, h.reasoning_tokens,
           h.cost_usd, h.unpriced_requests, h.unpriced_tokens
    from usage_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select r.workspace_id, r.provider, r.model, r.agent_id, r.region, r.device, 1 as requests,
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
), cells as (
    select case when matches($dimensions, 'workspace_id') then p.workspace_id else '' end
               as workspace_id,
           case when matches($dimensions, 'provider') then p.provider else '' end as provider,
           case when matches($dimensions, 'model') then p.model else '' end as model,
           case when matches($dimensions, 'agent_id') then p.agent_id else '' end as agent_id,
           case when matches($dimensions, 'region') then p.region else '' end as region,
           case when matches($dimensions, 'device') then p.device else '' end as device,
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
    where matches($workspaces, p.workspace_id) and matches($models, p.model)
      and matches($agents, p.agent_id) and matches($regions, p.region)
      and matches($devices, p.device)
    group by case when matches($dimensions, 'workspace_id') then p.workspace_id else '' end,
             case when matches($dimensions, 'provider') then p.provider else '' end,
             case when matches($dimensions, 'model') then p.model else '' end,
             case when matches($dimensions, 'agent_id') then p.agent_id else '' end,
             case when matches($dimensions, 'region') then p.region else '' end,
             case when matches($dimensions, 'device') then p.device else '' end
), offered as (
    select 'workspace_id' as dimension
    union all
    select 'provider' as dimension
    union all
    select 'model' as dimension
    union all
    select 'agent_id' as dimension
    union all
    select 'region' as dimension
    union all
    select 'device' as dimension
), named as (
    select o.dimension as dimension,
           case when o.dimension = 'workspace_id' then c.workspace_id
                when o.dimension = 'provider' then c.provider
                when o.dimension = 'model' then c.model
                when o.dimension = 'agent_id' then c.agent_id
                when o.dimension = 'region' then c.region
                when o.dimension = 'device' then c.device end as name,
           sum(c.requests)::bigint as requests,
           sum(c.errors)::bigint as errors,
           sum(c.cached)::bigint as cached,
           sum(c.latency_ms_sum) as latency_ms_sum,
           sum(c.latency_count)::bigint as latency_count,
           sum(c.input_tokens)::bigint as input_tokens,
           sum(c.cache_read_tokens)::bigint as cache_read_tokens,
           sum(c.cache_write_tokens)::bigint as cache_write_tokens,
           sum(c.output_tokens)::bigint as output_tokens,
           sum(c.reasoning_tokens)::bigint as reasoning_tokens,
           sum(c.cost_usd) as cost_usd,
           sum(c.unpriced_requests)::bigint as unpriced_requests,
           sum(c.unpriced_tokens)::bigint as unpriced_tokens
    from cells as c
    cross join offered as o
    where matches($dimensions, o.dimension)
    group by o.dimension,
           case when o.dimension = 'workspace_id' then c.workspace_id
                when o.dimension = 'provider' then c.provider
                when o.dimension = 'model' then c.model
                when o.dimension = 'agent_id' then c.agent_id
                when o.dimension = 'region' then c.region
                when o.dimension = 'device' then c.device end
), ranked as (
    select n.dimension, n.name, n.requests, n.errors, n.cached, n.latency_ms_sum, n.latency_count,
           n.input_tokens, n.cache_read_tokens, n.cache_write_tokens, n.output_tokens,
           n.reasoning_tokens, n.cost_usd, n.unpriced_requests, n.unpriced_tokens,
           row_number() over (partition by n.dimension order by n.requests desc, n.name) as place
    from named as n
)
select r.dimension, r.name, r.requests, r.errors, r.cached, r.latency_ms_sum, r.latency_count,
       r.input_tokens, r.cache_read_tokens, r.cache_write_tokens, r.output_tokens,
       r.reasoning_tokens, r.cost_usd, r.unpriced_requests, r.unpriced_tokens
from ranked as r
where r.place <= 1000
order by r.dimension, r.place
