-- Fill latency_hour for a span from the requests themselves.
-- params:  start, end (timestamp)
insert into latency_hour (bucket_utc, workspace_id, agent_id, latency_bucket, requests)
select bucket(3600, r.at_utc) as bucket_utc, r.workspace_id, r.agent_id,
       latency_bucket(r.latency_ms) as latency_bucket, count(*) as requests
from requests as r
where r.at_utc >= $start and r.at_utc < $end and r.latency_ms is not null
group by bucket(3600, r.at_utc), r.workspace_id, r.agent_id, latency_bucket(r.latency_ms)
