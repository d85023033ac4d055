-- What was changed of the scaling policies, schedules and caps that come with the program.
create table scaling_items (
    kind varchar(16) not null,
    item_key varchar(128) not null,
    body_json varchar(100000) not null,
    changed_at_utc timestamp not null,
    primary key (kind, item_key)
);
-- What each policy would have done at each sync, beside what the cluster had.
create table scaling_decisions (
    decision_id varchar(64) primary key,
    policy varchar(128) not null,
    at_utc timestamp not null,
    load_rps double precision not null,
    replicas integer not null,
    cluster_replicas integer,
    wanted integer not null,
    reasons_json varchar(20000) not null
);
create index scaling_decisions_at on scaling_decisions (policy, at_utc);
-- What each policy's controller remembers between syncs.
create table scaling_memory (
    policy varchar(128) primary key,
    memory_json varchar(200000) not null,
    at_utc timestamp not null
);
-- Changes of a cluster by this console: what was there, what is there now, how it ended.
create table scaling_actions (
    action_id varchar(64) primary key,
    at_utc timestamp not null,
    person varchar(128) not null,
    kind varchar(16) not null,
    target varchar(256) not null,
    before_json varchar(100000) not null,
    after_json varchar(100000) not null,
    status varchar(16) not null,
    message varchar(2000) not null,
    undoes varchar(64) not null default ''
);
create index scaling_actions_at on scaling_actions (at_utc);
