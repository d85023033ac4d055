-- Fill spend_day for a span of whole days from spend_hour.
-- params:  start, end (timestamp)
insert into spend_day (
    bucket_utc, workspace_id, provider, model, price_context, agent_id,
    feature, variant, api_key_id,
    requests, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, request_usd, saved_usd,
    unpriced_requests, unpriced_tokens
)
select
    bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.provider, h.model, h.price_context,
    h.agent_id, h.feature, h.variant, h.api_key_id,
    sum(h.requests) as requests,
    sum(h.cached) as cached,
    sum(h.input_tokens) as input_tokens,
    sum(h.cache_read_tokens) as cache_read_tokens,
    sum(h.cache_write_tokens) as cache_write_tokens,
    sum(h.output_tokens) as output_tokens,
    sum(h.cost_usd) as cost_usd,
    sum(h.input_usd) as input_usd,
    sum(h.cache_read_usd) as cache_read_usd,
    sum(h.cache_write_usd) as cache_write_usd,
    sum(h.output_usd) as output_usd,
    sum(h.request_usd) as request_usd,
    sum(h.saved_usd) as saved_usd,
    sum(h.unpriced_requests) as unpriced_requests,
    sum(h.unpriced_tokens) as unpriced_tokens
from spend_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
group by bucket(86400, h.bucket_utc), h.workspace_id, h.provider, h.model, h.price_context,
    h.agent_id, h.feature, h.variant, h.api_key_id
