-- Choices that an allocation made, with what became of each; the latest of them.
-- A choice's policy, propensity and other routes stand in its steps.
-- params:  start, end (timestamp, half-open), limit (bigint)
-- columns: request_id, at_utc, workspace_id, provider, model, status, latency_ms, steps,
--          query_hash, cost_usd (null without a price), stars (null without a verdict),
--          success (0 to 1, null where nobody said)
with chosen as (
    select s.request_id, s.at_utc, s.workspace_id, s.provider, s.model, s.status, s.latency_ms,
           s.steps
    from request_steps as s
    where s.at_utc >= $start and s.at_utc < $end and s.steps like '%"allocation":{%'
    order by s.at_utc desc, s.request_id
    limit $limit
), verdicts as (
    select f.request_id, f.event_id, f.stars
    from feedback as f
    where f.at_utc >= $start and f.request_id <> ''
), rated as (
    select v.request_id, count(*) as stars_n, sum(v.stars) as stars_sum
    from verdicts as v
    group by v.request_id
), solved as (
    select v.request_id, count(*) as success_n, sum(o.value) as success_sum
    from verdicts as v
    join outcomes as o on o.event_id = concat(v.event_id, ':success')
    where o.metric = 'task_success' and o.at_utc >= $start
    group by v.request_id
), priced as (
    select p.event_id, p.cost_pico_usd, r.query_hash
    from priced_requests as p
    join requests as r on r.event_id = p.event_id
    where p.at_utc >= $start and p.at_utc < $end
)
select c.request_id as request_id, c.at_utc as at_utc, c.workspace_id as workspace_id,
       c.provider as provider, c.model as model, c.status as status, c.latency_ms as latency_ms,
       c.steps as steps, coalesce(p.query_hash, '') as query_hash, pico_to_usd(p.cost_pico_usd) as cost_usd,
       case when r.stars_n > 0
            then r.stars_sum::double precision / r.stars_n::double precision end as stars,
       case when s.success_n > 0
            then s.success_sum / s.success_n::double precision end as success
from chosen as c
left join priced as p on p.event_id = c.request_id
left join rated as r on r.request_id = c.request_id
left join solved as s on s.request_id = c.request_id
order by c.at_utc desc, c.request_id
