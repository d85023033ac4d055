-- Prices with a context (batch, flex, priority, a region), discounts, and the book's versions.
alter table prices add column context varchar(64) not null default '';
alter table prices add column discount_pct varchar(32);
alter table prices add column version integer not null default 1;
-- Every change of the price book is a version: rows were appended, or stopped or began to hold
-- again. Neither table is ever changed, so the book can be read as it was in any version.
create table price_versions (
    version integer primary key,
    at_utc timestamp not null,
    person varchar(128) not null,
    action varchar(64) not null,
    note varchar(1000) not null
);
create table price_holds (
    version integer not null,
    price_id integer not null,
    withdrawn boolean not null,
    primary key (version, price_id)
);
insert into price_versions (version, at_utc, person, action, note)
select 1, min(recorded_at_utc), 'console', 'begun', 'Everything before versions were counted'
from prices having count(*) > 0;
insert into price_holds (version, price_id, withdrawn)
select 1, price_id, withdrawn from prices where withdrawn;
-- Re-pricings of a span that people asked for, with what came out. Money is exact decimal text.
create table repricings (
    repricing_id varchar(64) primary key,
    at_utc timestamp not null,
    person varchar(128) not null,
    start_utc timestamp not null,
    end_utc timestamp not null,
    base varchar(32) not null,
    other varchar(32) not null,
    base_usd varchar(64) not null,
    other_usd varchar(64) not null,
    rows_json varchar(1000000) not null
);
