-- What a unit did in one half hour. A unit is a user (unit_hash = user_hash) or, where none is
-- known, a session_id (negative). Gaps inside a half hour are too short to end a session.
create table session_pieces (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    unit_hash bigint not null,
    first_utc timestamp not null,
    last_utc timestamp not null,
    requests bigint not null,
    page_views bigint not null,
    interactions bigint not null,
    region varchar not null,
    device varchar not null,
    referrer varchar not null,
    entry_page varchar not null,
    exit_page varchar not null,
    first_view_utc timestamp,
    last_view_utc timestamp,
    view_end_utc timestamp,
    view_page varchar,
    view_region varchar,
    view_device varchar
);
-- One row per session: events of a unit with gaps of at most 30 minutes. bucket_utc is the hour
-- of its start; end_utc is the last event, or the end of the last page view if that is later.
create table sessions (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    unit_hash bigint not null,
    start_utc timestamp not null,
    last_event_utc timestamp not null,
    end_utc timestamp not null,
    events bigint not null,
    requests bigint not null,
    page_views bigint not null,
    interactions bigint not null,
    region varchar not null,
    device varchar not null,
    referrer varchar not null,
    entry_page varchar not null,
    exit_page varchar not null,
    is_bounce boolean not null
);
-- The way from the last page view of a half hour to the next one in the same session.
create table view_links (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    unit_hash bigint not null,
    at_utc timestamp not null,
    region varchar not null,
    device varchar not null,
    page varchar not null,
    time_s double precision not null
);
-- Sessions that start in an hour.
create table sessions_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    sessions bigint not null,
    bounces bigint not null,
    duration_s_sum double precision not null,
    engaged_sessions bigint not null,
    engaged_duration_s_sum double precision not null,
    page_views bigint not null
);
-- Sessions that start on a day.
create table sessions_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    sessions bigint not null,
    bounces bigint not null,
    duration_s_sum double precision not null,
    engaged_sessions bigint not null,
    engaged_duration_s_sum double precision not null,
    page_views bigint not null
);
-- Sessions that start on a day, by where they come from and where they come in.
create table origins_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    referrer varchar not null,
    entry_page varchar not null,
    sessions bigint not null,
    bounces bigint not null,
    duration_s_sum double precision not null,
    engaged_sessions bigint not null,
    engaged_duration_s_sum double precision not null,
    page_views bigint not null
);
-- Page views of an hour, with the time to the next view where there is one; entries, exits and
-- bounces of the sessions that start in the hour.
create table pages_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    page varchar not null,
    views bigint not null,
    timed_views bigint not null,
    time_s_sum double precision not null,
    entries bigint not null,
    exits bigint not null,
    bounces bigint not null
);
-- The same of a day.
create table pages_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    page varchar not null,
    views bigint not null,
    timed_views bigint not null,
    time_s_sum double precision not null,
    entries bigint not null,
    exits bigint not null,
    bounces bigint not null
);
-- Page views of an hour by referrer.
create table referrers_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    referrer varchar not null,
    views bigint not null
);
-- Page views of a day by referrer.
create table referrers_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    region varchar not null,
    device varchar not null,
    referrer varchar not null,
    views bigint not null
);
-- Distinct-viewer sketch of an hour: the smallest user hashes of each page (aspect 'page') and
-- referrer (aspect 'referrer'), by workspace and, under the empty name, of all together.
create table viewers_hour (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    aspect varchar not null,
    name varchar not null,
    user_hash bigint not null
);
-- The same of a day.
create table viewers_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    aspect varchar not null,
    name varchar not null,
    user_hash bigint not null
);
-- Every user of a day, with their first event on it.
create table active_day (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    user_hash bigint not null,
    first_utc timestamp not null
);
-- Every user of an ISO week, by its Monday.
create table active_week (
    bucket_utc timestamp not null,
    workspace_id varchar not null,
    user_hash bigint not null
);
-- The first event of every user.
create table first_seen (
    workspace_id varchar not null,
    user_hash bigint not null,
    first_utc timestamp not null
);
-- Scratch space of one rollup, else empty: the units at work on and the time to look at, and the
-- hours whose sums have changed.
create table session_windows (
    workspace_id varchar not null,
    unit_hash bigint not null,
    from_utc timestamp not null,
    to_utc timestamp not null
);
create table session_hours (hour_utc timestamp not null);
-- Earlier versions kept no sessions: every hour is to be rolled up again.
insert into stale_hours (hour_utc)
select distinct bucket(3600, r.at_utc) from requests as r
union distinct
select distinct bucket(3600, v.at_utc) from page_views as v
union distinct
select distinct bucket(3600, i.at_utc) from interactions as i;
