-- The latest requests of a span, newest first, with what each cost.
-- params:  start, end (timestamp), limit (bigint),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: at_utc, event_id, workspace_id, user_id, agent_id, provider, model, region, device,
--          status, error_code, cached (0 or 1), latency_ms (may be null), input_tokens,
--          cache_read_tokens, cache_write_tokens, output_tokens, cost_usd (null without a price)
select r.at_utc, r.event_id, r.workspace_id, r.user_id, r.agent_id, r.provider, r.model, r.region,
       r.device, r.status, r.error_code, case when r.cached then 1 else 0 end as cached,
       r.latency_ms, r.input_tokens, r.cache_read_tokens, r.cache_write_tokens, r.output_tokens,
       pico_to_usd(r.cost_pico_usd) as cost_usd
from priced_requests as r
where r.at_utc >= $start and r.at_utc < $end
  and matches($workspaces, r.workspace_id) and matches($models, r.model)
  and matches($agents, r.agent_id) and matches($regions, r.region) and matches($devices, r.device)
order by r.at_utc desc, r.event_id
limit $limit
