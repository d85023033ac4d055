-- Macros that every query may use, as PostgreSQL defines them.
create or replace function bucket(width_s bigint, moment timestamp) returns timestamp
    language sql immutable parallel safe
    return to_timestamp(floor(extract(epoch from moment) / width_s) * width_s) at time zone 'UTC';
create or replace function seconds_between(earlier timestamp, later timestamp)
    returns double precision language sql immutable parallel safe
    return extract(epoch from later - earlier)::double precision;
create or replace function hash60(value text) returns bigint language sql immutable parallel safe
    return ('x' || lpad(substr(md5(value), 1, 15), 16, '0'))::bit(64)::bigint;
create or replace function matches(wanted text[], value text) returns boolean
    language sql immutable parallel safe
    return cardinality(wanted) = 0 or value = any(wanted);
create or replace function safe_ratio(part double precision, whole double precision) returns double precision
    language sql immutable parallel safe
    return case when whole = 0 then null else part / whole end;
create or replace function latency_bucket(ms double precision) returns integer
    language sql immutable parallel safe
    return case when ms <= 0.01 then -233 else ceil(ln(ms) / ln(1.02::double precision)) end::integer;
create or replace function latency_of_bucket(position_ double precision) returns double precision
    language sql immutable parallel safe
    return 2 * pow(1.02::double precision, position_) / 2.02;
create or replace function pico_to_usd(pico numeric) returns numeric
    language sql immutable parallel safe
    return pico * 0.000000000001::numeric(12, 12);
create or replace function takes_all(wanted text[]) returns boolean
    language sql immutable parallel safe return cardinality(wanted) = 0;
create or replace function iso_week(moment timestamp) returns timestamp
    language sql immutable parallel safe return date_trunc('week', moment);
create or replace function add_ms(moment timestamp, ms double precision) returns timestamp
    language sql immutable parallel safe return moment + ms * interval '1 millisecond';
create or replace function session_unit(user_id text, user_hash bigint, session_id text)
    returns bigint language sql immutable parallel safe
    return case when user_id <> '' then user_hash else -1 - hash60(session_id) end;
create or replace function dated(value text, moment timestamp) returns text
    language sql stable parallel safe
    return case when value <> '' then to_char(moment, 'YYYYMMDDHH24MISSUS') || value end;
create or replace function keep_earliest(kept text, value text, moment timestamp) returns text
    language sql stable parallel safe return least(kept, dated(value, moment));
create or replace function keep_latest(kept text, value text, moment timestamp) returns text
    language sql stable parallel safe return greatest(kept, dated(value, moment));
create or replace function undated(kept text) returns text
    language sql immutable parallel safe return coalesce(substr(kept, 21), '');
create or replace aggregate earliest(text, timestamp)
    (sfunc = keep_earliest, stype = text, finalfunc = undated);
create or replace aggregate latest(text, timestamp)
    (sfunc = keep_latest, stype = text, finalfunc = undated);
-- The same where no two moments of a group are equal.
create or replace aggregate first_text(text, timestamp)
    (sfunc = keep_earliest, stype = text, finalfunc = undated);
create or replace aggregate last_text(text, timestamp)
    (sfunc = keep_latest, stype = text, finalfunc = undated);
create or replace function keep_end(kept timestamp[], end_utc timestamp, moment timestamp)
    returns timestamp[] language sql immutable parallel safe
    return case when moment is null then kept else greatest(kept, array[moment, end_utc]) end;
create or replace function end_kept(kept timestamp[]) returns timestamp
    language sql immutable parallel safe return kept[2];
create or replace aggregate end_of_latest(timestamp, timestamp)
    (sfunc = keep_end, stype = timestamp[], finalfunc = end_kept);
