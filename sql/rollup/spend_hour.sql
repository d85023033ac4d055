-- Fill spend_hour for a span from the requests themselves; tokens are those with a price.
-- params:  start, end (timestamp)
insert into spend_hour (
    bucket_utc, workspace_id, provider, model, price_context, agent_id,
    feature, variant, api_key_id,
    requests, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, request_usd, saved_usd,
    unpriced_requests, unpriced_tokens
)
select
    bucket(3600, r.at_utc) as bucket_utc, r.workspace_id, r.provider, r.model, r.price_context,
    r.agent_id, r.feature, r.variant, r.api_key_id,
    count(*) as requests,
    sum(case when r.cached then 1 else 0 end) as cached,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.input_tokens end), 0) as input_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.cache_read_tokens end), 0) as cache_read_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.cache_write_tokens end), 0) as cache_write_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.output_tokens end), 0) as output_tokens,
    pico_to_usd(coalesce(sum(r.cost_pico_usd), 0)) as cost_usd,
    pico_to_usd(coalesce(sum(r.input_cost_pico_usd), 0)) as input_usd,
    pico_to_usd(coalesce(sum(r.cache_read_cost_pico_usd), 0)) as cache_read_usd,
    pico_to_usd(coalesce(sum(r.cache_write_cost_pico_usd), 0)) as cache_write_usd,
    pico_to_usd(coalesce(sum(r.output_cost_pico_usd), 0)) as output_usd,
    pico_to_usd(coalesce(sum(r.request_cost_pico_usd), 0)) as request_usd,
    pico_to_usd(coalesce(sum(r.saved_pico_usd), 0)) as saved_usd,
    sum(case when r.cost_pico_usd is null then 1 else 0 end) as unpriced_requests,
    coalesce(sum(case when r.cost_pico_usd is null then r.billed_tokens else 0 end), 0)
        as unpriced_tokens
from priced_requests as r
where r.at_utc >= $start and r.at_utc < $end
group by bucket(3600, r.at_utc), r.workspace_id, r.provider, r.model, r.price_context,
    r.agent_id, r.feature, r.variant, r.api_key_id
