-- Models that requests of a span name, with their providers; whole hours from the rollup.
-- params:  start, hour_start, hour_end, end (timestamp)
-- columns: provider, model, requests
with pieces as (
    select h.provider, h.model, h.requests
    from usage_hour as h
    where h.bucket_utc >= $hour_start and h.bucket_utc < $hour_end
    union all
    select r.provider, r.model, 1 as requests
    from requests as r
    where ($start < $hour_start or $hour_end < $end)
      and ((r.at_utc >= $start and r.at_utc < $hour_start)
           or (r.at_utc >= $hour_end and r.at_utc < $end))
)
select p.provider, p.model, sum(p.requests)::bigint as requests
from pieces as p
group by p.provider, p.model
order by requests desc, p.provider, p.model
limit 2000
