-- Demonstration requests of one workspace and agent that went to a model, oldest first.
-- params:  workspace, agent (text), start, end (timestamp, half-open), limit (integer)
-- columns: request_id, at_utc, user_id, session_id, provider, model, status, error_code, latency_ms
select r.event_id as request_id, r.at_utc, r.user_id, r.session_id, r.provider, r.model, r.status,
       r.error_code, r.latency_ms
from requests as r
where r.source = 'demo' and r.workspace_id = $workspace and r.agent_id = $agent
    and r.at_utc >= $start and r.at_utc < $end and not r.cached and r.model <> ''
order by r.at_utc, r.event_id
limit $limit
