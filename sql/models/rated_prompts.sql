-- Prompts whose wording is kept and whose answer was judged, newest first, as a router learns from.
-- A verdict may say whether the task was solved; that outcome counts before its stars.
-- params:  start, end (timestamp), limit (integer)
-- columns: at_utc, provider, model, prompt, stars (sum), verdicts (count), success (0 to 1, null
--          where nobody said)
with verdicts as (
    select f.workspace_id, f.request_id, f.event_id, f.stars
    from feedback as f
    where f.at_utc >= $start and f.request_id <> ''
), rated as (
    select v.workspace_id, v.request_id, sum(v.stars)::bigint as stars,
           count(*)::bigint as verdicts
    from verdicts as v
    group by v.workspace_id, v.request_id
), solved as (
    select v.workspace_id, v.request_id, count(*) as success_n, sum(o.value) as success_sum
    from verdicts as v
    join outcomes as o on o.event_id = concat(v.event_id, ':success')
        and o.workspace_id = v.workspace_id
    where o.metric = 'task_success' and o.at_utc >= $start
    group by v.workspace_id, v.request_id
)
select r.at_utc, r.provider, r.model, r.query_text as prompt, t.stars,
       t.verdicts, case when s.success_n > 0
            then s.success_sum / s.success_n::double precision end as success
from requests as r
join rated as t on t.request_id = r.event_id and t.workspace_id = r.workspace_id
left join solved as s on s.request_id = r.event_id and s.workspace_id = r.workspace_id
where r.at_utc >= $start and r.at_utc < $end and r.query_text is not null and r.model <> ''
    and r.status = 'ok' and not r.cached
order by r.at_utc desc, r.event_id
limit $limit
