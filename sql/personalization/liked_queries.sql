-- Questions to which one user gave at least so many stars, the latest rating first; only those whose
-- wording is stored.
-- params:  start (timestamp), workspace_id, user_id (text), stars, limit (bigint)
-- columns: query_text, stars (the best rating), rated_at_utc
with rated as (
    select f.request_id, max(f.stars) as stars, max(f.at_utc) as rated_at_utc
    from feedback as f
    where f.at_utc >= $start and f.workspace_id = $workspace_id and f.user_id = $user_id
      and f.stars >= $stars and f.request_id <> ''
    group by f.request_id
), asked as (
    select r.event_id, r.query_text
    from requests as r
    where r.at_utc >= $start and r.workspace_id = $workspace_id and r.user_id = $user_id
      and r.query_text is not null
)
select a.query_text, max(t.stars) as stars, max(t.rated_at_utc) as rated_at_utc
from rated as t
join asked as a on a.event_id = t.request_id
group by a.query_text
order by rated_at_utc desc, a.query_text
limit $limit
