-- Fill usage_day for a span of whole days from usage_hour.
-- params:  start, end (timestamp)
insert into usage_day (
    bucket_utc, workspace_id, provider, model, agent_id, region, device,
    requests, errors, cached, latency_ms_sum, latency_count, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    cost_usd, unpriced_requests, unpriced_tokens
)
select
    bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.provider, h.model, h.agent_id, h.region, h.device,
    sum(h.requests) as requests,
    sum(h.errors) as errors,
    sum(h.cached) as cached,
    sum(h.latency_ms_sum) as latency_ms_sum,
    sum(h.latency_count) as latency_count,
    sum(h.input_tokens) as input_tokens,
    sum(h.cache_read_tokens) as cache_read_tokens,
    sum(h.cache_write_tokens) as cache_write_tokens,
    sum(h.output_tokens) as output_tokens,
    sum(h.reasoning_tokens) as reasoning_tokens,
    sum(h.cost_usd) as cost_usd,
    sum(h.unpriced_requests) as unpriced_requests,
    sum(h.unpriced_tokens) as unpriced_tokens
from usage_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
group by bucket(86400, h.bucket_utc), h.workspace_id, h.provider, h.model, h.agent_id, h.region, h.device
