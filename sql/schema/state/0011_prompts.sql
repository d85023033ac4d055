-- Prompts by name; which version is in force, what gates a change of it, and who is tried on others.
create table prompts (
    prompt_name varchar(64) primary key,
    meaning varchar(1000) not null,
    active_version integer not null,
    experiment_key varchar(128) not null default '',
    gate_json text not null,
    changed_at_utc timestamp not null
);
-- Their versions, which are added and never changed.
create table prompt_versions (
    prompt_name varchar(64) not null,
    version integer not null,
    system_text text not null,
    user_text text not null,
    schema_json text not null,
    note varchar(1000) not null,
    person varchar(128) not null,
    created_at_utc timestamp not null,
    primary key (prompt_name, version)
);
create table agents (
    agent_id varchar(128) primary key,
    body_json text not null,
    changed_at_utc timestamp not null
);
-- Golden sets: versions that are added and never changed, and their items.
create table golden_sets (
    set_name varchar(64) not null,
    version integer not null,
    items integer not null,
    digest varchar(64) not null,
    note varchar(1000) not null,
    person varchar(128) not null,
    created_at_utc timestamp not null,
    primary key (set_name, version)
);
create table golden_items (
    set_name varchar(64) not null,
    version integer not null,
    item_number integer not null,
    item_json text not null,
    primary key (set_name, version, item_number)
);
-- Evaluations: one candidate (and one baseline) on one version of a golden set.
create table evaluation_runs (
    run_id varchar(64) primary key,
    set_name varchar(64) not null,
    set_version integer not null,
    candidate_json text not null,
    baseline_json text not null,
    gate_json text not null,
    most_usd varchar(32) not null,
    state varchar(16) not null,
    owner varchar(64) not null,
    note varchar(1000) not null,
    person varchar(128) not null,
    started_at_utc timestamp not null,
    ended_at_utc timestamp
);
create index evaluation_runs_started on evaluation_runs (started_at_utc);
create table evaluation_grades (
    run_id varchar(64) not null,
    side varchar(16) not null,
    item_number integer not null,
    item_id varchar(128) not null,
    request_id varchar(128) not null,
    answer text not null,
    failed boolean not null,
    score double precision,
    latency_ms double precision,
    cost_usd varchar(40),
    reasons_json text not null,
    primary key (run_id, side, item_number)
);
-- Runs of plans, each with the record of its steps.
create table plan_runs (
    run_id varchar(64) primary key,
    plan_name varchar(128) not null,
    workspace_id varchar(128) not null,
    state varchar(16) not null,
    person varchar(128) not null,
    started_at_utc timestamp not null,
    took_ms double precision,
    cost_usd varchar(40) not null,
    reasons_json text not null
);
create index plan_runs_started on plan_runs (started_at_utc);
create table plan_steps (
    run_id varchar(64) not null,
    step_number integer not null,
    step_key varchar(64) not null,
    kind varchar(16) not null,
    state varchar(16) not null,
    attempts integer not null,
    started_ms double precision,
    took_ms double precision,
    cost_usd varchar(40) not null,
    request_id varchar(128) not null,
    reasons_json text not null,
    primary key (run_id, step_number)
);
-- What a user set about answers, and what their feedback said.
create table answer_preferences (
    workspace_id varchar(128) not null,
    user_id varchar(256) not null,
    verbosity varchar(16) not null,
    tone varchar(16) not null,
    changed_at_utc timestamp not null,
    primary key (workspace_id, user_id)
);
create table preference_signals (
    signal_id varchar(64) primary key,
    workspace_id varchar(128) not null,
    user_id varchar(256) not null,
    at_utc timestamp not null,
    wish varchar(16) not null,
    why varchar(500) not null
);
create index preference_signals_user on preference_signals (workspace_id, user_id);
