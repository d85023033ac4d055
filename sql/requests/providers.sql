-- How each provider and model did for the query engine in a span, most asked first.
-- params:  start, end (timestamp), workspaces (text list, empty for all)
-- columns: provider, model, simulated (0 or 1), requests (count), errors (count), refused (count),
--          attempts (calls made of providers), latency_ms_sum, timed_requests (with a latency)
select s.provider, s.model, max(case when s.simulated then 1 else 0 end) as simulated,
       count(*)::bigint as requests,
       sum(case when s.status = 'error' then 1 else 0 end)::bigint as errors,
       sum(case when s.status = 'refused' then 1 else 0 end)::bigint as refused,
       sum(s.attempts)::bigint as attempts, coalesce(sum(s.latency_ms), 0) as latency_ms_sum,
       count(s.latency_ms)::bigint as timed_requests
from request_steps as s
where s.at_utc >= $start and s.at_utc < $end and matches($workspaces, s.workspace_id)
group by s.provider, s.model
order by requests desc, s.provider, s.model
limit 200
