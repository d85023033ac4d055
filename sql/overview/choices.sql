-- Values that the filters offer, most requests first.
-- params:  limit (bigint)
-- columns: dimension, choice, requests (count)
select ranked.dimension, ranked.choice, ranked.requests
from (
    select totals.dimension, totals.choice, totals.requests,
           row_number() over (partition by totals.dimension
                              order by totals.requests desc, totals.choice) as position
    from (
        select 'workspace' as dimension, u.workspace_id as choice,
               sum(u.requests)::bigint as requests
        from usage_day as u group by u.workspace_id
        union all
        select 'model', u.model, sum(u.requests)::bigint
        from usage_day as u group by u.model
        union all
        select 'agent', u.agent_id, sum(u.requests)::bigint
        from usage_day as u group by u.agent_id
        union all
        select 'region', u.region, sum(u.requests)::bigint
        from usage_day as u group by u.region
        union all
        select 'device', u.device, sum(u.requests)::bigint
        from usage_day as u group by u.device
    ) as totals
    where totals.choice <> ''
) as ranked
where ranked.position <= $limit
order by ranked.dimension, ranked.requests desc, ranked.choice
