-- Requests and LLM cost per user: baselines from which experiments are planned. Cost leaves
-- requests without a price out.
-- params:  start, end (timestamp, half-open), workspaces (text list, empty for all)
-- columns: units (count), requests_sum, requests_squares, cost_usd_sum, cost_usd_squares
with per_user as (
    select r.user_hash as user_hash, count(*)::double precision as asked,
           coalesce(sum(r.cost_pico_usd), 0)::double precision * 0.000000000001 as spent_usd
    from priced_requests as r
    where r.at_utc >= $start and r.at_utc < $end and r.user_id <> ''
      and matches($workspaces, r.workspace_id)
    group by r.user_hash
)
select count(*)::bigint as units, coalesce(sum(u.asked), 0) as requests_sum,
       coalesce(sum(u.asked * u.asked), 0) as requests_squares,
       coalesce(sum(u.spent_usd), 0) as cost_usd_sum,
       coalesce(sum(u.spent_usd * u.spent_usd), 0) as cost_usd_squares
from per_user as u
