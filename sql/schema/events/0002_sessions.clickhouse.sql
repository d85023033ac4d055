-- What a unit did in one half hour. A unit is a user (unit_hash = user_hash) or, where none is
-- known, a session_id (negative). Gaps inside a half hour are too short to end a session.
create table session_pieces (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    unit_hash Int64,
    first_utc DateTime64(6, 'UTC'),
    last_utc DateTime64(6, 'UTC'),
    requests Int64,
    page_views Int64,
    interactions Int64,
    region String,
    device String,
    referrer String,
    entry_page String,
    exit_page String,
    first_view_utc Nullable(DateTime64(6, 'UTC')),
    last_view_utc Nullable(DateTime64(6, 'UTC')),
    view_end_utc Nullable(DateTime64(6, 'UTC')),
    view_page Nullable(String),
    view_region Nullable(String),
    view_device Nullable(String)
) engine = MergeTree order by bucket_utc;
-- One row per session: events of a unit with gaps of at most 30 minutes. bucket_utc is the hour
-- of its start; end_utc is the last event, or the end of the last page view if that is later.
create table sessions (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    unit_hash Int64,
    start_utc DateTime64(6, 'UTC'),
    last_event_utc DateTime64(6, 'UTC'),
    end_utc DateTime64(6, 'UTC'),
    events Int64,
    requests Int64,
    page_views Int64,
    interactions Int64,
    region String,
    device String,
    referrer String,
    entry_page String,
    exit_page String,
    is_bounce Bool
) engine = MergeTree order by (bucket_utc, workspace_id);
-- The way from the last page view of a half hour to the next one in the same session.
create table view_links (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    unit_hash Int64,
    at_utc DateTime64(6, 'UTC'),
    region String,
    device String,
    page String,
    time_s Float64
) engine = MergeTree order by bucket_utc;
-- Sessions that start in an hour.
create table sessions_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    sessions Int64,
    bounces Int64,
    duration_s_sum Float64,
    engaged_sessions Int64,
    engaged_duration_s_sum Float64,
    page_views Int64
) engine = MergeTree order by bucket_utc;
-- Sessions that start on a day.
create table sessions_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    sessions Int64,
    bounces Int64,
    duration_s_sum Float64,
    engaged_sessions Int64,
    engaged_duration_s_sum Float64,
    page_views Int64
) engine = MergeTree order by bucket_utc;
-- Sessions that start on a day, by where they come from and where they come in.
create table origins_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    referrer String,
    entry_page String,
    sessions Int64,
    bounces Int64,
    duration_s_sum Float64,
    engaged_sessions Int64,
    engaged_duration_s_sum Float64,
    page_views Int64
) engine = MergeTree order by bucket_utc;
-- Page views of an hour, with the time to the next view where there is one; entries, exits and
-- bounces of the sessions that start in the hour.
create table pages_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    page String,
    views Int64,
    timed_views Int64,
    time_s_sum Float64,
    entries Int64,
    exits Int64,
    bounces Int64
) engine = MergeTree order by bucket_utc;
-- The same of a day.
create table pages_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    page String,
    views Int64,
    timed_views Int64,
    time_s_sum Float64,
    entries Int64,
    exits Int64,
    bounces Int64
) engine = MergeTree order by bucket_utc;
-- Page views of an hour by referrer.
create table referrers_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    referrer String,
    views Int64
) engine = MergeTree order by bucket_utc;
-- Page views of a day by referrer.
create table referrers_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    region String,
    device String,
    referrer String,
    views Int64
) engine = MergeTree order by bucket_utc;
-- Distinct-viewer sketch of an hour: the smallest user hashes of each page (aspect 'page') and
-- referrer (aspect 'referrer'), by workspace and, under the empty name, of all together.
create table viewers_hour (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    aspect String,
    name String,
    user_hash Int64
) engine = MergeTree order by bucket_utc;
-- The same of a day.
create table viewers_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    aspect String,
    name String,
    user_hash Int64
) engine = MergeTree order by bucket_utc;
-- Every user of a day, with their first event on it.
create table active_day (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_hash Int64,
    first_utc DateTime64(6, 'UTC')
) engine = MergeTree order by bucket_utc;
-- Every user of an ISO week, by its Monday.
create table active_week (
    bucket_utc DateTime64(6, 'UTC'),
    workspace_id String,
    user_hash Int64
) engine = MergeTree order by bucket_utc;
-- The first event of every user.
create table first_seen (
    workspace_id String,
    user_hash Int64,
    first_utc DateTime64(6, 'UTC')
) engine = MergeTree order by tuple();
-- Scratch space of one rollup, else empty: the units at work on and the time to look at, and the
-- hours whose sums have changed.
create table session_windows (
    workspace_id String,
    unit_hash Int64,
    from_utc DateTime64(6, 'UTC'),
    to_utc DateTime64(6, 'UTC')
) engine = MergeTree order by tuple();
create table session_hours (hour_utc DateTime64(6, 'UTC')) engine = MergeTree order by tuple();
-- Earlier versions kept no sessions: every hour is to be rolled up again.
insert into stale_hours (hour_utc)
select distinct bucket(3600, r.at_utc) from requests as r
union distinct
select distinct bucket(3600, v.at_utc) from page_views as v
union distinct
select distinct bucket(3600, i.at_utc) from interactions as i;
