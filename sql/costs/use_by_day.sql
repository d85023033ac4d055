-- What the requests of a span used by day, owner and cell of prices: sums that any price can be
-- multiplied with. Answers from the platform's own cache used nothing and are left out.
-- params:  scenario (text), width_s (bigint), start, end (timestamp)
-- columns: bucket_start_utc, workspace_id, provider, model, price_context, agent_id, feature,
--          api_key_id, region, cell_id (-1 without a cell), classes_used (bits: 1 input, 2 cache
--          read, 4 cache write, 8 output), requests, input_tokens, cache_read_tokens,
--          cache_write_tokens, output_tokens
select bucket($width_s, r.at_utc) as bucket_start_utc, r.workspace_id, r.provider, r.model,
       r.price_context, r.agent_id, r.feature, r.api_key_id, r.region,
       coalesce(c.cell_id, -1) as cell_id,
       case when r.input_tokens > 0 then 1 else 0 end
           + case when r.cache_read_tokens > 0 then 2 else 0 end
           + case when r.cache_write_tokens > 0 then 4 else 0 end
           + case when r.output_tokens > 0 then 8 else 0 end as classes_used,
       count(*)::bigint as requests, sum(r.input_tokens)::bigint as input_tokens,
       sum(r.cache_read_tokens)::bigint as cache_read_tokens,
       sum(r.cache_write_tokens)::bigint as cache_write_tokens,
       sum(r.output_tokens)::bigint as output_tokens
from requests as r
left join (
    select k.cell_id, k.provider, k.model, k.price_context, k.valid_from_utc, k.valid_to_utc,
           k.tier_from_tokens, k.tier_to_tokens
    from price_cells as k
    where k.scenario = $scenario
    union all
    -- Matches nothing. Without any cell DuckDB 2.0 takes the bounds of an empty table for those of
    -- the requests' tokens, and cuts their sums to a byte when it sorts.
    select -1 as cell_id, '' as provider, '' as model, 'no context' as price_context,
           $start as valid_from_utc, $end as valid_to_utc, 0 as tier_from_tokens,
           9223372036854775807::bigint as tier_to_tokens
) as c
    on c.provider = r.provider and c.model = r.model and c.price_context = r.price_context
    and r.at_utc >= c.valid_from_utc and r.at_utc < c.valid_to_utc
    and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens >= c.tier_from_tokens
    and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens < c.tier_to_tokens
where r.at_utc >= $start and r.at_utc < $end and not r.cached
group by bucket($width_s, r.at_utc), r.workspace_id, r.provider, r.model, r.price_context,
         r.agent_id, r.feature, r.api_key_id, r.region, coalesce(c.cell_id, -1),
         case when r.input_tokens > 0 then 1 else 0 end
             + case when r.cache_read_tokens > 0 then 2 else 0 end
             + case when r.cache_write_tokens > 0 then 4 else 0 end
             + case when r.output_tokens > 0 then 8 else 0 end
order by bucket_start_utc, r.workspace_id, r.provider, r.model, r.price_context, r.agent_id,
         r.feature, r.api_key_id, r.region, cell_id, classes_used
