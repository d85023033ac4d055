-- One request with its cost and, where the query engine answered it, its steps for a waterfall.
-- params:  request_id (text), workspaces (text list, empty for all)
-- columns: at_utc, event_id, workspace_id, user_id, session_id, agent_id, provider, model, endpoint,
--          feature, api_key_id, region, variant, status, error_code, outcome (ok, error or refused),
--          cached (0 or 1), cache_tier, simulated (0 or 1), attempts (0 without steps),
--          latency_ms (may be null), ttft_ms (may be null), input_tokens, cache_read_tokens,
--          cache_write_tokens, output_tokens, reasoning_tokens, cost_usd (null without a price),
--          wording (may be null), steps (JSON list of name, started_ms, took_ms, decision, reasons as
--          pairs of code and text, facts; '[]' without)
select r.at_utc as at_utc, r.event_id as event_id, r.workspace_id as workspace_id,
       r.user_id as user_id, r.session_id as session_id, r.agent_id as agent_id,
       r.provider as provider, r.model as model, r.endpoint as endpoint, r.feature as feature,
       r.api_key_id as api_key_id, r.region as region, r.variant as variant, r.status as status,
       r.error_code as error_code, coalesce(s.status, r.status) as outcome,
       case when r.cached then 1 else 0 end as cached, coalesce(s.cache_tier, '') as cache_tier,
       case when coalesce(s.simulated, false) then 1 else 0 end as simulated,
       coalesce(s.attempts, 0) as attempts, r.latency_ms as latency_ms, r.ttft_ms as ttft_ms,
       r.input_tokens as input_tokens, r.cache_read_tokens as cache_read_tokens,
       r.cache_write_tokens as cache_write_tokens, r.output_tokens as output_tokens,
       r.reasoning_tokens as reasoning_tokens, pico_to_usd(p.cost_pico_usd) as cost_usd,
       r.query_text as wording,
       case when coalesce(s.steps, '') = '' then '[]' else s.steps end as steps
from requests as r
join priced_requests as p on p.event_id = r.event_id and p.at_utc = r.at_utc
left join request_steps as s on s.request_id = r.event_id and s.at_utc = r.at_utc
where r.event_id = $request_id and p.event_id = $request_id and matches($workspaces, r.workspace_id)
order by r.at_utc
limit 1
