-- Whether the wording of a workspace's questions may be stored; it may not unless someone says so.
alter table workspaces add column keeps_query_text boolean not null default false;
-- Secrets that this program makes for itself, once; never shown.
create table secrets (
    name varchar(64) primary key,
    value_hex varchar(256) not null,
    created_at_utc timestamp not null
);
