-- Spend of a span by up to two dimensions and by buckets of time, dearest first: a sum is exact,
-- and what is beyond `limit` is the total less what is shown. Tokens are those that have a price.
-- A dimension user_id, and regions or devices, need empty hour and day pieces (all from events).
-- params:  first, second (text: '' or workspace_id, provider, model, price_context, agent_id,
--          feature, variant, api_key_id, user_id), width_s (bigint, 0 for the whole span),
--          limit (bigint), start, hour_start, day_start, day_end, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: bucket_start_utc, first_name, second_name, requests, cached, input_tokens,
--          cache_read_tokens, cache_write_tokens, output_tokens, cost_usd, input_usd,
--          cache_read_usd, cache_write_usd, output_usd, request_usd, saved_usd, unpriced_requests,
--          unpriced_tokens
with pieces as (
    select d.bucket_utc, d.workspace_id, d.provider, d.model, d.price_context, d.agent_id,
           d.feature, d.variant, d.api_key_id, '' as user_id, '' as region, '' as device,
           d.requests, d.cached, d.input_tokens, d.cache_read_tokens, d.cache_write_tokens,
           d.output_tokens, d.cost_usd, d.input_usd, d.cache_read_usd, d.cache_write_usd,
           d.output_usd, d.request_usd, d.saved_usd, d.unpriced_requests, d.unpriced_tokens
    from spend_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
    union all
    select h.bucket_utc, h.workspace_id, h.provider, h.model, h.price_context, h.agent_id,
           h.feature, h.variant, h.api_key_id, '' as user_id, '' as region, '' as device,
           h.requests, h.cached, h.input_tokens, h.cache_read_tokens, h.cache_write_tokens,
           h.output_tokens, h.cost_usd, h.input_usd, h.cache_read_usd, h.cache_write_usd,
           h.output_usd, h.request_usd, h.saved_usd, h.unpriced_requests, h.unpriced_tokens
    from spend_hour as h
    where (h.bucket_utc >= $hour_start and h.bucket_utc < $day_start)
       or (h.bucket_utc >= $day_end and h.bucket_utc < $hour_end)
    union all
    select r.at_utc as bucket_utc, r.workspace_id, r.provider, r.model, r.price_context,
           r.agent_id, r.feature, r.variant, r.api_key_id, r.user_id, r.region, r.device, 1 as
           requests, case when r.cached then 1 else 0 end as cached,
           case when r.cached or r.cost_pico_usd is null then 0 else r.input_tokens end
               as input_tokens,
           case when r.cached or r.cost_pico_usd is null then 0 else r.cache_read_tokens end
               as cache_read_tokens,
           case when r.cached or r.cost_pico_usd is null then 0 else r.cache_write_tokens end
               as cache_write_tokens,
           case when r.cached or r.cost_pico_usd is null then 0 else r.output_tokens end
               as output_tokens,
           pico_to_usd(coalesce(r.cost_pico_usd, 0)) as cost_usd,
           pico_to_usd(r.input_cost_pico_usd) as input_usd,
           pico_to_usd(r.cache_read_cost_pico_usd) as cache_read_usd,
           pico_to_usd(r.cache_write_cost_pico_usd) as cache_write_usd,
           pico_to_usd(r.output_cost_pico_usd) as output_usd,
           pico_to_usd(r.request_cost_pico_usd) as request_usd,
           pico_to_usd(coalesce(r.saved_pico_usd, 0)) as saved_usd,
           case when r.cost_pico_usd is null then 1 else 0 end as unpriced_requests,
           case when r.cost_pico_usd is null then r.billed_tokens else 0 end as unpriced_tokens
    from priced_requests as r
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end))
)
select case when $width_s = 0 then $start
            else bucket(case when $width_s = 0 then 1 else $width_s end, p.bucket_utc) end
           as bucket_start_utc,
       case when $first = 'workspace_id' then p.workspace_id
            when $first = 'provider' then p.provider
            when $first = 'model' then p.model
            when $first = 'price_context' then p.price_context
            when $first = 'agent_id' then p.agent_id
            when $first = 'feature' then p.feature
            when $first = 'variant' then p.variant
            when $first = 'api_key_id' then p.api_key_id
            when $first = 'user_id' then p.user_id
            else '' end as first_name,
       case when $second = 'workspace_id' then p.workspace_id
            when $second = 'provider' then p.provider
            when $second = 'model' then p.model
            when $second = 'price_context' then p.price_context
            when $second = 'agent_id' then p.agent_id
            when $second = 'feature' then p.feature
            when $second = 'variant' then p.variant
            when $second = 'api_key_id' then p.api_key_id
            when $second = 'user_id' then p.user_id
            else '' end as second_name,
       coalesce(sum(p.requests), 0)::bigint as requests,
       coalesce(sum(p.cached), 0)::bigint as cached,
       coalesce(sum(p.input_tokens), 0)::bigint as input_tokens,
       coalesce(sum(p.cache_read_tokens), 0)::bigint as cache_read_tokens,
       coalesce(sum(p.cache_write_tokens), 0)::bigint as cache_write_tokens,
       coalesce(sum(p.output_tokens), 0)::bigint as output_tokens,
       coalesce(sum(p.cost_usd), 0) as cost_usd,
       coalesce(sum(p.input_usd), 0) as input_usd,
       coalesce(sum(p.cache_read_usd), 0) as cache_read_usd,
       coalesce(sum(p.cache_write_usd), 0) as cache_write_usd,
       coalesce(sum(p.output_usd), 0) as output_usd,
       coalesce(sum(p.request_usd), 0) as request_usd,
       coalesce(sum(p.saved_usd), 0) as saved_usd,
       coalesce(sum(p.unpriced_requests), 0)::bigint as unpriced_requests,
       coalesce(sum(p.unpriced_tokens), 0)::bigint as unpriced_tokens
from pieces as p
where matches($workspaces, p.workspace_id) and matches($models, p.model)
  and matches($agents, p.agent_id) and matches($regions, p.region) and matches($devices, p.device)
group by bucket_start_utc, first_name, second_name
order by cost_usd desc, requests desc, bucket_start_utc, first_name, second_name
limit $limit
