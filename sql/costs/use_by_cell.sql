-- What the requests of a span used, by cell of prices: sums that any price can be multiplied with.
-- A cell is a span of time and of prompt size of price_cells; without one the request has no price.
-- params:  scenario (text), start, end (timestamp), workspaces (text list, empty for all)
-- columns: cell_id (-1 without a cell), provider, model, price_context, cached (0 or 1),
--          classes_used (bits: 1 input, 2 cache read, 4 cache write, 8 output), requests,
--          input_tokens, cache_read_tokens, cache_write_tokens, output_tokens
select coalesce(c.cell_id, -1) as cell_id, r.provider, r.model, r.price_context,
       case when r.cached then 1 else 0 end as cached,
       case when r.input_tokens > 0 then 1 else 0 end
           + case when r.cache_read_tokens > 0 then 2 else 0 end
           + case when r.cache_write_tokens > 0 then 4 else 0 end
           + case when r.output_tokens > 0 then 8 else 0 end as classes_used,
       count(*) as requests, sum(r.input_tokens)::bigint as input_tokens,
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
where r.at_utc >= $start and r.at_utc < $end and matches($workspaces, r.workspace_id)
group by coalesce(c.cell_id, -1), r.provider, r.model, r.price_context,
         case when r.cached then 1 else 0 end,
         case when r.input_tokens > 0 then 1 else 0 end
             + case when r.cache_read_tokens > 0 then 2 else 0 end
             + case when r.cache_write_tokens > 0 then 4 else 0 end
             + case when r.output_tokens > 0 then 8 else 0 end
order by cell_id, r.provider, r.model, r.price_context, cached, classes_used
