-- Events, append-only. Times are UTC. batch_seq says which acknowledged batch brought a row.
-- user_hash is hash60(user_id), for distinct-user sketches.
create table requests (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    agent_id varchar not null,
    provider varchar not null,
    model varchar not null,
    endpoint varchar not null,
    feature varchar not null,
    api_key_id varchar not null,
    region varchar not null,
    device varchar not null,
    variant varchar not null,
    status varchar not null,
    error_code varchar not null,
    latency_ms double precision,
    ttft_ms double precision,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cached boolean not null,
    query_topic varchar not null,
    query_hash varchar not null,
    query_text varchar,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table page_views (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    page varchar not null,
    referrer varchar not null,
    region varchar not null,
    device varchar not null,
    duration_ms double precision,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table interactions (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    action varchar not null,
    target varchar not null,
    region varchar not null,
    device varchar not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table exposures (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    experiment_key varchar not null,
    variant varchar not null,
    unit_id varchar not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table outcomes (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    metric varchar not null,
    unit_id varchar not null,
    value double precision not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table feedback (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    request_id varchar not null,
    agent_id varchar not null,
    stars bigint not null,
    comment varchar not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table metric_samples (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    metric varchar not null,
    instance varchar not null,
    value double precision not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
create table deploys (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    component varchar not null,
    version varchar not null,
    note varchar not null,
    batch_seq bigint not null,
    user_hash bigint not null
);

-- What one accepted batch added, for the check at start: rows, and the sum of hash60(event_id).
create table accepted_batches (
    batch_seq bigint not null,
    kind varchar not null,
    rows_kept bigint not null,
    rows_repeated bigint not null,
    checksum decimal(38, 0) not null
);
-- How far the spool has been moved into this store (one row).
create table drain_watermark (batch_seq bigint not null);
insert into drain_watermark values (0);
-- Hours with events that the rollups do not hold yet.
create table stale_hours (hour_utc timestamp not null);
-- Prices ready to join: micro-USD per million tokens, which is pico-USD per token.
-- A tier holds while input + cache tokens are in [tier_from_tokens, tier_to_tokens).
create table price_ranges (
    provider varchar not null,
    model varchar not null,
    valid_from_utc timestamp not null,
    valid_to_utc timestamp not null,
    tier_from_tokens bigint not null,
    tier_to_tokens bigint not null,
    input_pico_usd bigint,
    cache_read_pico_usd bigint,
    cache_write_pico_usd bigint,
    output_pico_usd bigint,
    request_pico_usd bigint,
    price_id bigint not null
);
-- Requests per minute.
create table usage_minute (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    requests bigint not null,
    errors bigint not null,
    cached bigint not null,
    latency_ms_sum double precision not null,
    latency_count bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_usd decimal(38, 12) not null,
    unpriced_requests bigint not null,
    unpriced_tokens bigint not null
);
-- Requests per hour.
create table usage_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    provider varchar not null,
    model varchar not null,
    agent_id varchar not null,
    region varchar not null,
    device varchar not null,
    requests bigint not null,
    errors bigint not null,
    cached bigint not null,
    latency_ms_sum double precision not null,
    latency_count bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_usd decimal(38, 12) not null,
    unpriced_requests bigint not null,
    unpriced_tokens bigint not null
);
-- Requests per day.
create table usage_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    provider varchar not null,
    model varchar not null,
    agent_id varchar not null,
    region varchar not null,
    device varchar not null,
    requests bigint not null,
    errors bigint not null,
    cached bigint not null,
    latency_ms_sum double precision not null,
    latency_count bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_usd decimal(38, 12) not null,
    unpriced_requests bigint not null,
    unpriced_tokens bigint not null
);
-- Latency sketch per minute: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_minute (
    bucket_utc timestamp not null,
    latency_bucket integer not null,
    requests bigint not null
);
-- Latency sketch per hour: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    agent_id varchar not null,
    latency_bucket integer not null,
    requests bigint not null
);
-- Latency sketch per day: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    agent_id varchar not null,
    latency_bucket integer not null,
    requests bigint not null
);
-- Distinct-user sketch per hour: the smallest user hashes (bottom-k) seen in any kind of event,
-- by workspace and, under the empty name, of all workspaces together.
create table users_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    user_hash bigint not null
);
-- Distinct-user sketch per day: the smallest user hashes (bottom-k) seen in any kind of event,
-- by workspace and, under the empty name, of all workspaces together.
create table users_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    user_hash bigint not null
);

-- Every request with its cost in pico-USD: 0 if answered from the platform's own cache, null if
-- some of its tokens have no price. Tokens of cached answers are what they would have taken.
create view priced_requests as
select
    r.event_id as event_id, r.at_utc as at_utc, r.workspace_id as workspace_id,
    r.user_id as user_id, r.agent_id as agent_id, r.provider as provider, r.model as model,
    r.endpoint as endpoint, r.feature as feature, r.api_key_id as api_key_id,
    r.region as region, r.device as device, r.variant as variant, r.source as source,
    r.status as status, r.error_code as error_code, r.cached as cached,
    r.latency_ms as latency_ms, r.user_hash as user_hash, r.input_tokens as input_tokens,
    r.cache_read_tokens as cache_read_tokens, r.cache_write_tokens as cache_write_tokens,
    r.output_tokens as output_tokens, r.reasoning_tokens as reasoning_tokens,
    p.price_id as price_id,
    r.input_tokens + r.cache_read_tokens + r.cache_write_tokens + r.output_tokens
        as billed_tokens,
    case
        when r.cached then 0
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
    end as cost_pico_usd
from requests as r
left join price_ranges as p
    on p.provider = r.provider and p.model = r.model
    and r.at_utc >= p.valid_from_utc and r.at_utc < p.valid_to_utc
    and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens >= p.tier_from_tokens
    and r.input_tokens + r.cache_read_tokens + r.cache_write_tokens < p.tier_to_tokens;
