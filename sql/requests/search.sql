-- Requests of a span, newest first, with what each cost; those of the query engine say their route.
-- An empty text finds all, else it is a part of the wording (where that is stored) or an id.
-- params:  start, end (timestamp), limit (bigint), text (text), least_ms (double precision),
--          workspaces, users, providers, models, agents, statuses (text list, empty for all)
-- columns: at_utc, event_id, workspace_id, user_id, session_id, agent_id, provider, model, endpoint,
--          feature, variant, status, error_code, outcome (ok, error or refused), cached (0 or 1),
--          cache_tier, simulated (0 or 1), attempts (0 without steps), has_steps (0 or 1),
--          latency_ms (may be null), ttft_ms (may be null), input_tokens, cache_read_tokens,
--          cache_write_tokens, output_tokens, cost_usd (null without a price), wording (may be null)
select r.at_utc as at_utc, r.event_id as event_id, r.workspace_id as workspace_id,
       r.user_id as user_id, r.session_id as session_id, r.agent_id as agent_id,
       r.provider as provider, r.model as model, r.endpoint as endpoint, r.feature as feature,
       r.variant as variant, r.status as status, r.error_code as error_code,
       coalesce(s.status, r.status) as outcome, case when r.cached then 1 else 0 end as cached,
       coalesce(s.cache_tier, '') as cache_tier,
       case when coalesce(s.simulated, false) then 1 else 0 end as simulated,
       coalesce(s.attempts, 0) as attempts,
       case when coalesce(s.request_id, '') = '' then 0 else 1 end as has_steps,
       r.latency_ms as latency_ms, r.ttft_ms as ttft_ms, r.input_tokens as input_tokens,
       r.cache_read_tokens as cache_read_tokens, r.cache_write_tokens as cache_write_tokens,
       r.output_tokens as output_tokens, pico_to_usd(p.cost_pico_usd) as cost_usd,
       r.query_text as wording
from requests as r
join priced_requests as p on p.event_id = r.event_id and p.at_utc = r.at_utc
left join request_steps as s on s.request_id = r.event_id and s.at_utc = r.at_utc
where r.at_utc >= $start and r.at_utc < $end
  and ($text = '' or r.event_id = $text
       or position(lower($text) in lower(coalesce(r.query_text, ''))) > 0)
  and ($least_ms <= 0 or coalesce(r.latency_ms, 0) >= $least_ms)
  and matches($workspaces, r.workspace_id) and matches($users, r.user_id)
  and matches($providers, r.provider) and matches($models, r.model)
  and matches($agents, r.agent_id) and matches($statuses, coalesce(s.status, r.status))
order by r.at_utc desc, r.event_id
limit $limit
