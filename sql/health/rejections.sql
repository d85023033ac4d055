-- Requests of a span, and those among them that were turned away for lack of capacity.
-- params:  start, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: requests (count), rejected (count)
select count(*)::bigint as requests,
       coalesce(sum(case when r.status = 'error' and r.error_code in (
           '429', '503', 'http_429', 'http_503', 'rate_limit', 'rate_limited', 'rate_limit_exceeded',
           'too_many_requests', 'overloaded', 'overloaded_error', 'rejected', 'queue_full',
           'capacity', 'resource_exhausted') then 1 else 0 end), 0)::bigint as rejected
from requests as r
where r.at_utc >= $start and r.at_utc < $end
  and matches($workspaces, r.workspace_id) and matches($models, r.model)
  and matches($agents, r.agent_id) and matches($regions, r.region) and matches($devices, r.device)
