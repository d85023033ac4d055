-- Knobs of the query engine that were turned; one that is not here has its setting's value.
create table gateway_knobs (
    name varchar(64) primary key,
    value_json varchar(20000) not null,
    changed_at_utc timestamp not null,
    person varchar(128) not null
);
-- Providers of models. Keys and other secrets stay in the environment: key_variable names one.
create table gateway_providers (
    provider varchar(128) primary key,
    kind varchar(32) not null,
    base_url varchar(1000) not null,
    key_variable varchar(128) not null,
    models_json varchar(100000) not null,
    options_json varchar(100000) not null,
    position integer not null,
    enabled boolean not null,
    is_demo boolean not null default false,
    changed_at_utc timestamp not null
);
-- Quotas: at most so many requests, tokens and USD in a window of one kind of caller.
-- An empty name is the quota of each caller of that kind that has none of its own.
create table gateway_quotas (
    scope varchar(16) not null,
    name varchar(256) not null,
    requests_per_minute bigint,
    tokens_per_minute bigint,
    usd_per_minute varchar(32),
    changed_at_utc timestamp not null,
    primary key (scope, name)
);
