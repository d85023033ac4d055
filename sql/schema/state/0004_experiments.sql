-- Experiments: the definition with its life as JSON, and what is asked for often beside it.
-- `revision` counts changes, so that two people cannot overwrite each other unseen.
create table experiments (
    experiment_key varchar(128) primary key,
    state varchar(16) not null,
    definition_json varchar(500000) not null,
    revision integer not null,
    is_demo boolean not null default false,
    source varchar(128) not null default ''
);
-- Which share of the choices each variant had from when on, and why; what a ramp or a bandit did.
create table experiment_allocations (
    experiment_key varchar(128) not null,
    allocation_number integer not null,
    at_utc timestamp not null,
    traffic_ratio double precision not null,
    shares_json varchar(20000) not null,
    reasons_json varchar(20000) not null,
    primary key (experiment_key, allocation_number)
);
-- Units that were exposed over this console, once each, and those that keep what they were given.
create table experiment_units (
    experiment_key varchar(128) not null,
    unit_id varchar(256) not null,
    variant varchar(128) not null,
    share double precision not null,
    assigned_at_utc timestamp not null,
    exposed_at_utc timestamp,
    primary key (experiment_key, unit_id)
);
-- Cumulative statistics of imported experiments: a variant's metric, `at_days` after the start.
create table experiment_series (
    experiment_key varchar(128) not null,
    metric varchar(128) not null,
    variant varchar(128) not null,
    at_days double precision not null,
    count_c double precision not null,
    count_t double precision not null,
    mean_c double precision,
    mean_t double precision,
    variance_c double precision,
    variance_t double precision,
    primary key (experiment_key, metric, variant, at_days)
);
