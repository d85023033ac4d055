-- How each request of the query engine went, step by step. steps is JSON and holds no texts.
create table request_steps (
    event_id String,
    at_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_id String,
    session_id String,
    source String,
    request_id String,
    agent_id String,
    provider String,
    model String,
    status String,
    error_code String,
    cache_tier String,
    variant String,
    simulated Bool,
    attempts Int64,
    latency_ms Nullable(Float64),
    steps String,
    batch_seq Int64,
    user_hash Int64
) engine = MergeTree order by (at_utc, workspace_id);
