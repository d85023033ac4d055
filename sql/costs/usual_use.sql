-- What each model was used for in whole hours, as far as it has a price: for known steps of spend.
-- params:  start, end (timestamp, whole hours), workspaces, models, agents (text list, empty for
--          all)
-- columns: provider, model, price_context, requests, input_tokens, cache_read_tokens,
--          cache_write_tokens, output_tokens
select h.provider, h.model, h.price_context,
       sum(h.requests - h.cached - h.unpriced_requests)::bigint as requests,
       sum(h.input_tokens)::bigint as input_tokens,
       sum(h.cache_read_tokens)::bigint as cache_read_tokens,
       sum(h.cache_write_tokens)::bigint as cache_write_tokens,
       sum(h.output_tokens)::bigint as output_tokens
from spend_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
  and matches($workspaces, h.workspace_id) and matches($models, h.model)
  and matches($agents, h.agent_id)
group by h.provider, h.model, h.price_context
order by requests desc, h.provider, h.model, h.price_context
limit 1000
