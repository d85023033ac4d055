-- Provider and model names, and price contexts, that the requests of a span carry.
-- params:  start, end (timestamp)
-- columns: provider, model, price_context
select distinct r.provider, r.model, r.price_context
from requests as r
where r.at_utc >= $start and r.at_utc < $end
order by r.provider, r.model, r.price_context
