-- Fill latency_day for a span of whole days from latency_hour.
-- params:  start, end (timestamp)
insert into latency_day (bucket_utc, workspace_id, agent_id, latency_bucket, requests)
select bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.agent_id, h.latency_bucket,
       sum(h.requests) as requests
from latency_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
group by bucket(86400, h.bucket_utc), h.workspace_id, h.agent_id, h.latency_bucket
