-- What decides the price of a request beside its tokens: words such as batch, flex, priority or a
-- region, '' for the plain price.
alter table requests add column price_context varchar default '';
alter table price_ranges add column price_context varchar default '';
-- Every request with its cost in pico-USD: 0 if answered from the platform's own cache, null if
-- some of its tokens have no price. Tokens of cached answers are what they would have taken, and
-- saved_pico_usd is what these would have cost (null without a price, 0 for other answers). The
-- cost is the sum of those of the four classes and of the request itself.
create or replace view priced_requests as
select
    q.event_id as event_id, q.at_utc as at_utc, q.workspace_id as workspace_id,
    q.user_id as user_id, q.agent_id as agent_id, q.provider as provider, q.model as model,
    q.endpoint as endpoint, q.feature as feature, q.api_key_id as api_key_id,
    q.region as region, q.device as device, q.variant as variant, q.source as source,
    q.status as status, q.error_code as error_code, q.cached as cached,
    q.latency_ms as latency_ms, q.user_hash as user_hash, q.input_tokens as input_tokens,
    q.cache_read_tokens as cache_read_tokens, q.cache_write_tokens as cache_write_tokens,
    q.output_tokens as output_tokens, q.reasoning_tokens as reasoning_tokens,
    q.price_id as price_id, q.billed_tokens as billed_tokens,
    case when q.cached then 0 else q.full_pico_usd end as cost_pico_usd,
    q.price_context as price_context, q.session_id as session_id,
    case when q.cached then q.full_pico_usd else 0 end as saved_pico_usd,
    case when q.cached or q.full_pico_usd is null then 0
        else q.input_tokens::decimal(38, 0) * coalesce(q.input_pico_usd, 0) end
        as input_cost_pico_usd,
    case when q.cached or q.full_pico_usd is null then 0
        else q.cache_read_tokens::decimal(38, 0) * coalesce(q.cache_read_pico_usd, 0) end
        as cache_read_cost_pico_usd,
    case when q.cached or q.full_pico_usd is null then 0
        else q.cache_write_tokens::decimal(38, 0) * coalesce(q.cache_write_pico_usd, 0) end
        as cache_write_cost_pico_usd,
    case when q.cached or q.full_pico_usd is null then 0
        else q.output_tokens::decimal(38, 0) * coalesce(q.output_pico_usd, 0) end
        as output_cost_pico_usd,
    case when q.cached or q.full_pico_usd is null then 0
        else coalesce(q.request_pico_usd, 0) end as request_cost_pico_usd
from (
    select
        r.event_id as event_id, r.at_utc as at_utc, r.workspace_id as workspace_id,
        r.user_id as user_id, r.agent_id as agent_id, r.provider as provider, r.model as model,
        r.endpoint as endpoint, r.feature as feature, r.api_key_id as api_key_id,
        r.region as region, r.device as device, r.variant as variant, r.source as source,
        r.status as status, r.error_code as error_code, r.cached as cached,
        r.latency_ms as latency_ms, r.user_hash as user_hash, r.input_tokens as input_tokens,
        r.cache_read_tokens as cache_read_tokens, r.cache_write_tokens as cache_write_tokens,
        r.output_tokens as output_tokens, r.reasoning_tokens as reasoning_tokens,
        r.price_context as price_context, r.session_id as session_id,
        p.price_id as price_id, p.input_pico_usd as input_pico_usd,
        p.cache_read_pico_usd as cache_read_pico_usd,
        p.cache_write_pico_usd as cache_write_pico_usd, p.output_pico_usd as output_pico_usd,
        p.request_pico_usd as request_pico_usd,
        r.input_tokens + r.cache_read_tokens + r.cache_write_tokens + r.output_tokens
            as billed_tokens,
        case
            when r.input_tokens + r.cache_read_tokens + r.cache_write_tokens + r.output_tokens = 0
                and p.price_id is null then 0
            when p.price_id is null
                or (r.input_tokens > 0 and p.input_pico_usd is null)
                or (r.cache_read_tokens > 0 and p.cache_read_pico_usd is null)
                or (r.cache_write_tokens > 0 and p.cache_write_pico_usd is null)
                or (r.output_tokens > 0 and p.output_pico_usd is null) then null
            when r.input_tokens + r.cache_read_tokens + r.cache_write_tokens + r.output_tokens
                < 1000000 then r.input_tokens * coalesce(p.input_pico_usd, 0)
                + r.cache_read_tokens * coalesce(p.cache_read_pico_usd, 0)
                + r.cache_write_tokens * coalesce(p.cache_write_pico_usd, 0)
                + r.output_tokens * coalesce(p.output_pico_usd, 0)
                + coalesce(p.request_pico_usd, 0)
            -- The same for huge counts, which a bigint would not hold.
            else r.input_tokens::decimal(38, 0) * coalesce(p.input_pico_usd, 0)
                + r.cache_read_tokens::decimal(38, 0) * coalesce(p.cache_read_pico_usd, 0)
                + r.cache_write_tokens::decimal(38, 0) * coalesce(p.cache_write_pico_usd, 0)
                + r.output_tokens::decimal(38, 0) * coalesce(p.output_pico_usd, 0)
                + coalesce(p.request_pico_usd, 0)
        end as full_pico_usd
    from requests as r
    left join price_ranges as p
        on p.provider = r.provider and p.model = r.model and p.price_context = r.price_context
        and r.at_utc >= p.valid_from_utc and r.at_utc < p.valid_to_utc
        and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens >= p.tier_from_tokens
        and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens < p.tier_to_tokens
) as q;

-- Spend per hour: tokens that have a price, the cost of each class, what cached answers saved.
create table spend_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    provider varchar not null,
    model varchar not null,
    price_context varchar not null,
    agent_id varchar not null,
    feature varchar not null,
    variant varchar not null,
    api_key_id varchar not null,
    requests bigint not null,
    cached bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    cost_usd decimal(38, 12) not null,
    input_usd decimal(38, 12) not null,
    cache_read_usd decimal(38, 12) not null,
    cache_write_usd decimal(38, 12) not null,
    output_usd decimal(38, 12) not null,
    request_usd decimal(38, 12) not null,
    saved_usd decimal(38, 12) not null,
    unpriced_requests bigint not null,
    unpriced_tokens bigint not null
);
-- Spend per day, the same.
create table spend_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    provider varchar not null,
    model varchar not null,
    price_context varchar not null,
    agent_id varchar not null,
    feature varchar not null,
    variant varchar not null,
    api_key_id varchar not null,
    requests bigint not null,
    cached bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    cost_usd decimal(38, 12) not null,
    input_usd decimal(38, 12) not null,
    cache_read_usd decimal(38, 12) not null,
    cache_write_usd decimal(38, 12) not null,
    output_usd decimal(38, 12) not null,
    request_usd decimal(38, 12) not null,
    saved_usd decimal(38, 12) not null,
    unpriced_requests bigint not null,
    unpriced_tokens bigint not null
);
-- Spans of time and of prompt size in which every way of pricing that is compared has one price;
-- a scenario's rows are there while it is read.
create table price_cells (
    scenario varchar not null,
    cell_id bigint not null,
    provider varchar not null,
    model varchar not null,
    price_context varchar not null,
    valid_from_utc timestamp not null,
    valid_to_utc timestamp not null,
    tier_from_tokens bigint not null,
    tier_to_tokens bigint not null
);
insert into spend_hour (
    bucket_utc, workspace_id, provider, model, price_context, agent_id,
    feature, variant, api_key_id,
    requests, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, request_usd, saved_usd,
    unpriced_requests, unpriced_tokens
)
select
    bucket(3600, r.at_utc) as bucket_utc, r.workspace_id, r.provider, r.model, r.price_context,
    r.agent_id, r.feature, r.variant, r.api_key_id,
    count(*) as requests,
    sum(case when r.cached then 1 else 0 end) as cached,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.input_tokens end), 0) as input_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.cache_read_tokens end), 0) as cache_read_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.cache_write_tokens end), 0) as cache_write_tokens,
    coalesce(sum(case when r.cached or r.cost_pico_usd is null then 0
                      else r.output_tokens end), 0) as output_tokens,
    pico_to_usd(coalesce(sum(r.cost_pico_usd), 0)) as cost_usd,
    pico_to_usd(coalesce(sum(r.input_cost_pico_usd), 0)) as input_usd,
    pico_to_usd(coalesce(sum(r.cache_read_cost_pico_usd), 0)) as cache_read_usd,
    pico_to_usd(coalesce(sum(r.cache_write_cost_pico_usd), 0)) as cache_write_usd,
    pico_to_usd(coalesce(sum(r.output_cost_pico_usd), 0)) as output_usd,
    pico_to_usd(coalesce(sum(r.request_cost_pico_usd), 0)) as request_usd,
    pico_to_usd(coalesce(sum(r.saved_pico_usd), 0)) as saved_usd,
    sum(case when r.cost_pico_usd is null then 1 else 0 end) as unpriced_requests,
    coalesce(sum(case when r.cost_pico_usd is null then r.billed_tokens else 0 end), 0)
        as unpriced_tokens
from priced_requests as r
group by bucket(3600, r.at_utc), r.workspace_id, r.provider, r.model, r.price_context,
    r.agent_id, r.feature, r.variant, r.api_key_id;
insert into spend_day (
    bucket_utc, workspace_id, provider, model, price_context, agent_id,
    feature, variant, api_key_id,
    requests, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, request_usd, saved_usd,
    unpriced_requests, unpriced_tokens
)
select
    bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.provider, h.model, h.price_context,
    h.agent_id, h.feature, h.variant, h.api_key_id,
    sum(h.requests) as requests,
    sum(h.cached) as cached,
    sum(h.input_tokens) as input_tokens,
    sum(h.cache_read_tokens) as cache_read_tokens,
    sum(h.cache_write_tokens) as cache_write_tokens,
    sum(h.output_tokens) as output_tokens,
    sum(h.cost_usd) as cost_usd,
    sum(h.input_usd) as input_usd,
    sum(h.cache_read_usd) as cache_read_usd,
    sum(h.cache_write_usd) as cache_write_usd,
    sum(h.output_usd) as output_usd,
    sum(h.request_usd) as request_usd,
    sum(h.saved_usd) as saved_usd,
    sum(h.unpriced_requests) as unpriced_requests,
    sum(h.unpriced_tokens) as unpriced_tokens
from spend_hour as h
group by bucket(86400, h.bucket_utc), h.workspace_id, h.provider, h.model, h.price_context,
    h.agent_id, h.feature, h.variant, h.api_key_id;
