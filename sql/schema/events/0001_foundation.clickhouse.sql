-- Events, append-only. Times are UTC. batch_seq says which acknowledged batch brought a row.
-- user_hash is hash60(user_id), for distinct-user sketches.
create table requests (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    agent_id String,
    provider String,
    model String,
    endpoint String,
    feature String,
    api_key_id String,
    region String,
    device String,
    variant String,
    status String,
    error_code String,
    latency_ms Nullable(Float64),
    ttft_ms Nullable(Float64),
    input_tokens Int64,
    cache_read_tokens Int64,
    cache_write_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    cached Bool,
    query_topic String,
    query_hash String,
    query_text Nullable(String),
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table page_views (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    page String,
    referrer String,
    region String,
    device String,
    duration_ms Nullable(Float64),
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table interactions (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    action String,
    target String,
    region String,
    device String,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table exposures (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    experiment_key String,
    variant String,
    unit_id String,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table outcomes (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    metric String,
    unit_id String,
    value Float64,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table feedback (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    request_id String,
    agent_id String,
    stars Int64,
    comment String,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table metric_samples (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    metric String,
    instance String,
    value Float64,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
create table deploys (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    component String,
    version String,
    note String,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);

-- What one accepted batch added, for the check at start: rows, and the sum of hash60(event_id).
create table accepted_batches (
    batch_seq Int64,
    kind String,
    rows_kept Int64,
    rows_repeated Int64,
    checksum Decimal(38, 0)
) engine = MergeTree order by tuple();
-- How far the spool has been moved into this store (one row).
create table drain_watermark (batch_seq Int64) engine = MergeTree order by tuple();
insert into drain_watermark values (0);
-- Hours with events that the rollups do not hold yet.
create table stale_hours (hour_utc DateTime64(6, 'UTC')) engine = MergeTree order by tuple();
-- Prices ready to join: micro-USD per million tokens, which is pico-USD per token.
-- A tier holds while input + cache tokens are in [tier_from_tokens, tier_to_tokens).
create table price_ranges (
    provider String,
    model String,
    valid_from_utc DateTime64(6, 'UTC'),
    valid_to_utc DateTime64(6, 'UTC'),
    tier_from_tokens Int64,
    tier_to_tokens Int64,
    input_pico_usd Nullable(Int64),
    cache_read_pico_usd Nullable(Int64),
    cache_write_pico_usd Nullable(Int64),
    output_pico_usd Nullable(Int64),
    request_pico_usd Nullable(Int64),
    price_id Int64
) engine = MergeTree order by tuple();
-- Requests per minute.
create table usage_minute (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    requests Int64,
    errors Int64,
    cached Int64,
    latency_ms_sum Float64,
    latency_count Int64,
    input_tokens Int64,
    cache_read_tokens Int64,
    cache_write_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    cost_usd Decimal(38, 12),
    unpriced_requests Int64,
    unpriced_tokens Int64
) engine = MergeTree order by bucket_utc;
-- Requests per hour.
create table usage_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    provider String,
    model String,
    agent_id String,
    region String,
    device String,
    requests Int64,
    errors Int64,
    cached Int64,
    latency_ms_sum Float64,
    latency_count Int64,
    input_tokens Int64,
    cache_read_tokens Int64,
    cache_write_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    cost_usd Decimal(38, 12),
    unpriced_requests Int64,
    unpriced_tokens Int64
) engine = MergeTree order by bucket_utc;
-- Requests per day.
create table usage_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    provider String,
    model String,
    agent_id String,
    region String,
    device String,
    requests Int64,
    errors Int64,
    cached Int64,
    latency_ms_sum Float64,
    latency_count Int64,
    input_tokens Int64,
    cache_read_tokens Int64,
    cache_write_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    cost_usd Decimal(38, 12),
    unpriced_requests Int64,
    unpriced_tokens Int64
) engine = MergeTree order by bucket_utc;
-- Latency sketch per minute: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_minute (
    bucket_utc DateTime64(6, 'UTC'),
    latency_bucket Int32,
    requests Int64
) engine = MergeTree order by bucket_utc;
-- Latency sketch per hour: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    agent_id String,
    latency_bucket Int32,
    requests Int64
) engine = MergeTree order by bucket_utc;
-- Latency sketch per day: counts per log-scaled bucket (latency_bucket of the prelude).
create table latency_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    agent_id String,
    latency_bucket Int32,
    requests Int64
) engine = MergeTree order by bucket_utc;
-- Distinct-user sketch per hour: the smallest user hashes (bottom-k) seen in any kind of event,
-- by workspace and, under the empty name, of all workspaces together.
create table users_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_hash Int64
) engine = MergeTree order by bucket_utc;
-- Distinct-user sketch per day: the smallest user hashes (bottom-k) seen in any kind of event,
-- by workspace and, under the empty name, of all workspaces together.
create table users_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_hash Int64
) engine = MergeTree order by bucket_utc;

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
