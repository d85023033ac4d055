-- Optimization runs: where each stands, and everything about it as JSON. Never deleted.
create table optimization_runs (
    run_id varchar(64) primary key,
    started_at_utc timestamp not null,
    ended_at_utc timestamp,
    cause varchar(16) not null,
    person varchar(128) not null,
    strategy varchar(64) not null,
    actuator varchar(16) not null,
    step varchar(16) not null,
    due_at_utc timestamp not null,
    verdict varchar(16) not null,
    rolled_back boolean not null,
    body_json text not null,
    is_demo boolean not null default false
);
create index optimization_runs_started on optimization_runs (started_at_utc);
create index optimization_runs_step on optimization_runs (step);
-- Every step that a run entered, in order; only ever added to.
create table optimization_steps (
    run_id varchar(64) not null,
    number integer not null,
    step varchar(16) not null,
    at_utc timestamp not null,
    note varchar(1000) not null,
    primary key (run_id, number)
);
-- Which process runs optimizations, and until when it may without saying so again.
create table optimization_lease (
    name varchar(16) primary key,
    owner varchar(128) not null,
    until_utc timestamp not null
);
-- The configuration as changed while running; what has no row is as delivered.
create table optimization_settings (
    name varchar(64) primary key,
    value_json varchar(1000) not null
);
