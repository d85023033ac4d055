-- What the requests of an experiment's units cost since their exposure, by variant and day.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace), start, end (timestamp)
-- columns: variant, day_utc, requests, unpriced_requests, cost_usd
with units as (
    select x.unit_id, min(x.variant) as variant, min(x.at_utc) as seen_utc
    from exposures as x
    where x.experiment_key = $experiment and x.at_utc >= $start and x.at_utc < $end
    group by x.unit_id
    having min(x.variant) = max(x.variant)
), happened as (
    select p.at_utc, p.cost_pico_usd,
           case when $unit = 'session' then s.session_id
                when $unit = 'workspace' then p.workspace_id
                else p.user_id end as unit_id
    from priced_requests as p
    join requests as s on s.event_id = p.event_id
    where p.at_utc >= $start and p.at_utc < $end
)
select u.variant, bucket(86400, h.at_utc) as day_utc, count(*)::bigint as requests,
       sum(case when h.cost_pico_usd is null then 1 else 0 end)::bigint as unpriced_requests,
       sum(pico_to_usd(coalesce(h.cost_pico_usd, 0))) as cost_usd
from units as u
join happened as h on h.unit_id = u.unit_id
where h.at_utc >= u.seen_utc
group by u.variant, bucket(86400, h.at_utc)
order by u.variant, bucket(86400, h.at_utc)
