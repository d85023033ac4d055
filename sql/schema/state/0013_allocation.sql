-- Policies that divide traffic among routes; one for each workspace and task class. body_json
-- holds the rest of it.
create table allocation_policies (
    policy_id varchar(64) primary key,
    workspace_id varchar(128) not null,
    task_class varchar(64) not null,
    mode varchar(16) not null,
    body_json varchar(40000) not null,
    is_demo boolean not null default false,
    changed_at_utc timestamp not null,
    unique (workspace_id, task_class)
);
-- Shares of the choices that each policy had from a moment on, and why; the latest version holds.
create table allocation_shares (
    policy_id varchar(64) not null,
    version integer not null,
    at_utc timestamp not null,
    mode varchar(16) not null,
    shares_json varchar(40000) not null,
    seen_json varchar(100000) not null,
    reasons_json varchar(40000) not null,
    person varchar(128) not null,
    primary key (policy_id, version)
);
-- Routes that a policy chooses no more, stopped by a guardrail or by hand.
create table allocation_stops (
    policy_id varchar(64) not null,
    route varchar(512) not null,
    at_utc timestamp not null,
    person varchar(128) not null,
    reason varchar(1000) not null,
    primary key (policy_id, route)
);
-- When a route was last let go on: what it did before then is not held against it.
create table allocation_resumes (
    policy_id varchar(64) not null,
    route varchar(512) not null,
    at_utc timestamp not null,
    primary key (policy_id, route)
);
