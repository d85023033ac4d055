-- Macros that every query may use, as DuckDB defines them.
create or replace macro bucket(width_s, moment) as
    make_timestamp((epoch_us(moment) // (width_s::bigint * 1000000)) * (width_s::bigint * 1000000));
create or replace macro seconds_between(earlier, later) as
    (epoch_us(later) - epoch_us(earlier)) / 1000000.0;
create or replace macro hash60(value) as ('0x' || substr(md5(value), 1, 15))::bigint;
create or replace macro matches(wanted, value) as
    (len(wanted) = 0 or list_contains(wanted, value));
create or replace macro safe_ratio(part, whole) as
    case when whole = 0 then null else part::double / whole::double end;
create or replace macro latency_bucket(ms) as
    case when ms <= 0.01 then -233 else ceil(ln(ms) / ln(1.02))::integer end;
create or replace macro latency_of_bucket(position) as 2 * pow(1.02, position) / 2.02;
create or replace macro pico_to_usd(pico) as
    pico::decimal(26, 0) * 0.000000000001::decimal(12, 12);
create or replace macro takes_all(wanted) as len(wanted) = 0;
create or replace macro iso_week(moment) as date_trunc('week', moment)::timestamp;
create or replace macro add_ms(moment, ms) as moment + to_microseconds(round(ms * 1000)::bigint);
create or replace macro session_unit(user_id, user_hash, session_id) as
    case when user_id <> '' then user_hash else -1 - hash60(session_id) end;
create or replace macro earliest(value, moment) as
    coalesce(min(case when value <> '' then {'moment': moment, 'value': value} end).value, '');
create or replace macro latest(value, moment) as
    coalesce(max(case when value <> '' then {'moment': moment, 'value': value} end).value, '');
-- The same for less, where no two moments of a group are equal.
create or replace macro first_text(value, moment) as
    coalesce(arg_min(value, moment) filter (value <> ''), '');
create or replace macro last_text(value, moment) as
    coalesce(arg_max(value, moment) filter (value <> ''), '');
create or replace macro end_of_latest(end_utc, moment) as arg_max(end_utc, moment);
