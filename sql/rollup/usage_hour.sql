-- Fill usage_hour for a span from the requests themselves.
-- params:  start, end (timestamp)
insert into usage_hour (
    bucket_utc, workspace_id, provider, model, agent_id, region, device,
    requests, errors, cached, latency_ms_sum, latency_count, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    cost_usd, unpriced_requests, unpriced_tokens
)
select
    bucket(3600, r.at_utc) as bucket_utc, r.workspace_id, r.provider, r.model, r.agent_id, r.region, r.device,
    count(*) as requests,
    sum(case when r.status = 'error' then 1 else 0 end) as errors,
    sum(case when r.cached then 1 else 0 end) as cached,
    coalesce(sum(r.latency_ms), 0) as latency_ms_sum,
    count(r.latency_ms) as latency_count,
    coalesce(sum(case when r.cached then 0 else r.input_tokens end), 0) as input_tokens,
    coalesce(sum(case when r.cached then 0 else r.cache_read_tokens end), 0) as cache_read_tokens,
    coalesce(sum(case when r.cached then 0 else r.cache_write_tokens end), 0) as cache_write_tokens,
    coalesce(sum(case when r.cached then 0 else r.output_tokens end), 0) as output_tokens,
    coalesce(sum(case when r.cached then 0 else r.reasoning_tokens end), 0) as reasoning_tokens,
    pico_to_usd(coalesce(sum(r.cost_pico_usd), 0)) as cost_usd,
    sum(case when r.cost_pico_usd is null then 1 else 0 end) as unpriced_requests,
    coalesce(sum(case when r.cost_pico_usd is null then r.billed_tokens else 0 end), 0)
        as unpriced_tokens
from priced_requests as r
where r.at_utc >= $start and r.at_utc < $end
group by bucket(3600, r.at_utc), r.workspace_id, r.provider, r.model, r.agent_id, r.region, r.device
