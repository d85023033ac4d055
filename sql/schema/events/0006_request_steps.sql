-- How each request of the query engine went, step by step. steps is JSON and holds no texts.
create table request_steps (
    event_id varchar not null,
    at_utc timestamp not null,
    workspace_id varchar not null,
    user_id varchar not null,
    session_id varchar not null,
    source varchar not null,
    request_id varchar not null,
    agent_id varchar not null,
    provider varchar not null,
    model varchar not null,
    status varchar not null,
    error_code varchar not null,
    cache_tier varchar not null,
    variant varchar not null,
    simulated boolean not null,
    attempts bigint not null,
    latency_ms double precision,
    steps varchar not null,
    batch_seq bigint not null,
    user_hash bigint not null
);
