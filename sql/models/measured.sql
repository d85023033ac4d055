-- What each model did in a span, as a whole (empty class) and by topic: at most 2,000 rows, most
-- requests first. Answers from the platform's own cache are left out. A verdict counts for the
-- request it names; quality is 25 × (stars − 1), 0 to 100. Latency is of answers without error,
-- from log-scaled counts (±1 %).
-- params:  start, end (timestamp)
-- columns: provider, model, task_class, requests (count), errors (count), p50_ms, p95_ms,
--          ttft_ms (mean), input_tokens, output_tokens (of answers without error), quality_n
--          (count), quality_sum
with asked as (
    select r.event_id, r.workspace_id, r.provider, r.model, r.query_topic, r.status, r.latency_ms,
           r.ttft_ms, r.input_tokens + r.cache_read_tokens + r.cache_write_tokens as prompt_tokens,
           r.output_tokens
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and r.model <> '' and not r.cached
), rated as (
    select f.workspace_id, f.request_id, count(*)::bigint as verdicts,
           sum(f.stars)::bigint as stars
    from feedback as f
    where f.at_utc >= $start and f.request_id <> ''
    group by f.workspace_id, f.request_id
), joined as (
    select a.provider, a.model, a.query_topic, a.status, a.latency_ms, a.ttft_ms,
           a.prompt_tokens, a.output_tokens, coalesce(t.verdicts, 0) as verdicts,
           coalesce(25 * (t.stars - t.verdicts), 0) as points
    from asked as a
    left join rated as t on t.request_id = a.event_id and t.workspace_id = a.workspace_id
), classed as (
    select j.provider, j.model, '' as task_class, j.status, j.latency_ms, j.ttft_ms,
           j.prompt_tokens, j.output_tokens, j.verdicts, j.points
    from joined as j
    union all
    select k.provider, k.model, k.query_topic as task_class, k.status, k.latency_ms, k.ttft_ms,
           k.prompt_tokens, k.output_tokens, k.verdicts, k.points
    from joined as k
    where k.query_topic <> ''
), counted as (
    select c.provider, c.model, c.task_class, latency_bucket(c.latency_ms) as latency_bucket,
           count(*)::bigint as found
    from classed as c
    where c.latency_ms is not null and c.status = 'ok'
    group by c.provider, c.model, c.task_class, latency_bucket(c.latency_ms)
), cumulated as (
    select n.provider, n.model, n.task_class, n.latency_bucket,
           sum(n.found) over (partition by n.provider, n.model, n.task_class
                              order by n.latency_bucket) as upto,
           sum(n.found) over (partition by n.provider, n.model, n.task_class) as total
    from counted as n
), timed as (
    select u.provider, u.model, u.task_class,
           latency_of_bucket(min(case when u.upto * 100 >= u.total * 50
                                      then u.latency_bucket end)) as p50_ms,
           latency_of_bucket(min(case when u.upto * 100 >= u.total * 95
                                      then u.latency_bucket end)) as p95_ms
    from cumulated as u
    group by u.provider, u.model, u.task_class
), summed as (
    select s.provider, s.model, s.task_class, count(*)::bigint as requests,
           sum(case when s.status = 'ok' then 0 else 1 end)::bigint as errors,
           avg(case when s.status = 'ok' then s.ttft_ms end) as ttft_ms,
           sum(case when s.status = 'ok' then s.prompt_tokens else 0 end)::bigint as input_tokens,
           sum(case when s.status = 'ok' then s.output_tokens else 0 end)::bigint as output_tokens,
           sum(s.verdicts)::bigint as quality_n, sum(s.points)::bigint as quality_sum
    from classed as s
    group by s.provider, s.model, s.task_class
)
select m.provider, m.model, m.task_class, m.requests, m.errors, l.p50_ms, l.p95_ms, m.ttft_ms,
       m.input_tokens, m.output_tokens, m.quality_n, m.quality_sum
from summed as m
left join timed as l on l.provider = m.provider and l.model = m.model
    and l.task_class = m.task_class
order by m.requests desc, m.provider, m.model, m.task_class
limit 2000
