-- What each watched series is like, and where it was unusual. An anomaly is told once: its id is
-- its series and time. `verdict` is what a person said of it, '' while nobody has.
create table detectors (
    series varchar(256) primary key,
    state_json varchar(200000) not null,
    until_utc timestamp not null,
    updated_at_utc timestamp not null,
    is_demo boolean not null default false
);
create table anomalies (
    anomaly_id varchar(320) primary key,
    series varchar(256) not null,
    at_utc timestamp not null,
    score double precision not null,
    value double precision not null,
    expected double precision,
    low double precision,
    high double precision,
    reason varchar(1000) not null,
    verdict varchar(32) not null default '',
    is_demo boolean not null default false
);
create index anomalies_at on anomalies (at_utc);
