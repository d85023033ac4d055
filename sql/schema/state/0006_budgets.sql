-- Budgets as people set them. Money is exact decimal text.
create table budgets (
    budget_id varchar(64) primary key,
    scope varchar(16) not null,
    name varchar(256) not null,
    amount_usd varchar(32) not null,
    window_kind varchar(8) not null,
    time_zone varchar(64) not null,
    reset_day integer not null,
    hard boolean not null,
    at_cap varchar(16) not null,
    fallback_model varchar(256) not null,
    throttle_s integer not null,
    alert_pcts varchar(128) not null,
    is_demo boolean not null default false
);
-- What each window of a hard budget has spent and holds for calls under way, in nano-USD.
create table budget_counters (
    budget_id varchar(64) not null,
    window_start_utc timestamp not null,
    window_end_utc timestamp not null,
    spent_nano_usd bigint not null,
    reserved_nano_usd bigint not null,
    primary key (budget_id, window_start_utc)
);
-- Amounts held for calls under way, one row for each budget that a call counts in. An expired one
-- holds nothing any more, but is known for a while, should its owner come back.
create table budget_reservations (
    reservation_id varchar(64) not null,
    budget_id varchar(64) not null,
    window_start_utc timestamp not null,
    window_end_utc timestamp not null,
    owner varchar(128) not null,
    amount_nano_usd bigint not null,
    expires_at_utc timestamp not null,
    expired boolean not null default false,
    primary key (reservation_id, budget_id)
);
create index budget_reservations_expiry on budget_reservations (expired, expires_at_utc);
create index budget_reservations_owner on budget_reservations (owner);
-- Which crossings of each budget were told, and the alerts themselves.
create table budget_memory (
    budget_id varchar(64) primary key,
    window_start_utc timestamp not null,
    amount_usd varchar(32) not null,
    told varchar(1000) not null
);
create table budget_alerts (
    alert_id varchar(64) primary key,
    budget_id varchar(64) not null,
    at_utc timestamp not null,
    window_start_utc timestamp not null,
    crossing varchar(16) not null,
    severity varchar(16) not null,
    message varchar(1000) not null
);
create index budget_alerts_at on budget_alerts (at_utc);
-- Routes and experiments that the kill switch stopped, until someone lets them go on.
create table budget_stops (
    kind varchar(16) not null,
    name varchar(256) not null,
    at_utc timestamp not null,
    person varchar(128) not null,
    reason varchar(1000) not null,
    primary key (kind, name)
);
