-- Cost over time of a user, an API key or an experiment: empty buckets have no row.
-- An experiment's cost is that of its units from their first exposure on.
-- params:  dimension (text: user_id, api_key_id or experiment), owner, unit (text: user, session
--          or workspace, for an experiment), width_s (bigint), start, end (timestamp)
-- columns: bucket_start_utc, requests, unpriced_requests, cost_usd
with exposed as (
    select x.unit_id, min(x.at_utc) as seen_utc
    from exposures as x
    where x.experiment_key = $owner and x.at_utc < $end
    group by x.unit_id
), happened as (
    select p.at_utc as at_utc, p.cost_pico_usd as cost_pico_usd, p.user_id as user_id,
           p.api_key_id as api_key_id,
           case when $unit = 'session' then r.session_id
                when $unit = 'workspace' then r.workspace_id
                else r.user_id end as unit_id
    from priced_requests as p
    join requests as r on r.event_id = p.event_id
    where p.at_utc >= $start and p.at_utc < $end
)
select bucket($width_s, h.at_utc) as bucket_start_utc, count(*)::bigint as requests,
       sum(case when h.cost_pico_usd is null then 1 else 0 end)::bigint as unpriced_requests,
       sum(pico_to_usd(coalesce(h.cost_pico_usd, 0))) as cost_usd
from happened as h
left join exposed as e on e.unit_id = h.unit_id
where ($dimension = 'user_id' and h.user_id = $owner)
   or ($dimension = 'api_key_id' and h.api_key_id = $owner)
   or ($dimension = 'experiment' and e.seen_utc is not null and h.at_utc >= e.seen_utc)
group by bucket($width_s, h.at_utc)
order by bucket($width_s, h.at_utc)
