-- Models with requests that have no price, most tokens first; hours from the rollup.
-- params:  start, hour_start, hour_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: provider, model, unpriced_requests, unpriced_tokens, first_seen_utc (hour or finer),
--          last_seen_utc (hour or finer)
with pieces as (
    select h.bucket_utc, h.workspace_id, h.provider, h.model, h.agent_id, h.region, h.device,
           h.unpriced_requests, h.unpriced_tokens
    from usage_hour as h
    where h.bucket_utc >= $hour_start and h.bucket_utc < $hour_end and h.unpriced_requests > 0
    union all
    select r.at_utc as bucket_utc, r.workspace_id, r.provider, r.model, r.agent_id, r.region,
           r.device, 1 as unpriced_requests, r.billed_tokens as unpriced_tokens
    from priced_requests as r
    where r.cost_pico_usd is null and ((r.at_utc >= $start and r.at_utc < $hour_start)
       or (r.at_utc >= $hour_end and r.at_utc < $end))
)
select p.provider, p.model, sum(p.unpriced_requests)::bigint as unpriced_requests,
       sum(p.unpriced_tokens)::bigint as unpriced_tokens,
       min(p.bucket_utc) as first_seen_utc, max(p.bucket_utc) as last_seen_utc
from pieces as p
where matches($workspaces, p.workspace_id) and matches($models, p.model)
  and matches($agents, p.agent_id) and matches($regions, p.region) and matches($devices, p.device)
group by p.provider, p.model
order by unpriced_tokens desc, p.provider, p.model
limit 1000
