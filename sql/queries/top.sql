-- Most asked questions of a span by workspace and hash. Reads every request of the span.
-- params:  start, end (timestamp), limit (bigint),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: workspace_id, query_hash, wording (null where it is not stored), topic,
--          requests (count), timed_requests (with a latency), latency_ms_sum
select r.workspace_id, r.query_hash, max(r.query_text) as wording, max(r.query_topic) as topic,
       count(*)::bigint as requests, count(r.latency_ms)::bigint as timed_requests,
       coalesce(sum(r.latency_ms), 0) as latency_ms_sum
from requests as r
where r.at_utc >= $start and r.at_utc < $end and r.query_hash <> ''
  and matches($workspaces, r.workspace_id) and matches($models, r.model)
  and matches($agents, r.agent_id) and matches($regions, r.region) and matches($devices, r.device)
group by r.workspace_id, r.query_hash
order by requests desc, r.workspace_id, r.query_hash
limit $limit
