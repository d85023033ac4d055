-- Prompts whose wording is kept and whose answer was judged, newest first, as a router learns from.
-- params:  start, end (timestamp), limit (integer)
-- columns: at_utc, provider, model, prompt, stars (sum), verdicts (count)
with rated as (
    select f.workspace_id, f.request_id, sum(f.stars)::bigint as stars,
           count(*)::bigint as verdicts
    from feedback as f
    where f.at_utc >= $start and f.request_id <> ''
    group by f.workspace_id, f.request_id
)
select r.at_utc, r.provider, r.model, r.query_text as prompt, t.stars,
       t.verdicts
from requests as r
join rated as t on t.request_id = r.event_id and t.workspace_id = r.workspace_id
where r.at_utc >= $start and r.at_utc < $end and r.query_text is not null and r.model <> ''
    and r.status = 'ok' and not r.cached
order by r.at_utc desc, r.event_id
limit $limit
