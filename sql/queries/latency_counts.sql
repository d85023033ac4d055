-- Latencies of chosen questions of a span as counts per log-scaled bucket (±1 %).
-- params:  start, end (timestamp), hashes (text list),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: workspace_id, query_hash, latency_bucket, requests (count)
select r.workspace_id, r.query_hash, latency_bucket(r.latency_ms) as latency_bucket,
       count(*)::bigint as requests
from requests as r
where r.at_utc >= $start and r.at_utc < $end and r.latency_ms is not null
  and r.query_hash <> '' and matches($hashes, r.query_hash)
  and matches($workspaces, r.workspace_id) and matches($models, r.model)
  and matches($agents, r.agent_id) and matches($regions, r.region) and matches($devices, r.device)
group by r.workspace_id, r.query_hash, latency_bucket(r.latency_ms)
order by r.workspace_id, r.query_hash, latency_bucket
