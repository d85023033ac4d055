-- Providers, models and price contexts in the requests of a source within a span of time.
-- params:  source (text), start, end (timestamp, both included)
-- columns: provider, model, price_context
select distinct r.provider, r.model, r.price_context
from requests as r
where r.source = $source and r.at_utc >= $start and r.at_utc <= $end
order by r.provider, r.model, r.price_context
