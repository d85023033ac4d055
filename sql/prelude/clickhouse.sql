-- Macros that every query may use, as ClickHouse defines them.
create or replace function bucket as (width_s, moment) ->
    toDateTime64(intDiv(toUnixTimestamp64Micro(moment), width_s * 1000000) * width_s, 6, 'UTC');
create or replace function seconds_between as (earlier, later) ->
    (toUnixTimestamp64Micro(later) - toUnixTimestamp64Micro(earlier)) / 1000000.0;
create or replace function hash60 as (value) ->
    toInt64(bitShiftRight(reinterpretAsUInt64(reverse(substring(MD5(value), 1, 8))), 4));
create or replace function matches as (wanted, value) -> empty(wanted) or has(wanted, value);
create or replace function safe_ratio as (part, whole) ->
    if(whole = 0, null, toFloat64(part) / toFloat64(whole));
create or replace function latency_bucket as (ms) ->
    if(ms <= 0.01, -233, toInt32(ceil(ln(ms) / ln(1.02))));
create or replace function latency_of_bucket as (position) -> 2 * pow(1.02, position) / 2.02;
create or replace function pico_to_usd as (pico) ->
    toDecimal128(pico, 0) * toDecimal64(0.000000000001, 12);
create or replace function takes_all as (wanted) -> empty(wanted);
create or replace function iso_week as (moment) ->
    toDateTime64(toDateTime(toMonday(moment), 'UTC'), 6, 'UTC');
create or replace function add_ms as (moment, ms) ->
    addMicroseconds(moment, toInt64(round(ms * 1000)));
create or replace function session_unit as (user_id, user_hash, session_id) ->
    if(user_id <> '', user_hash, -1 - hash60(session_id));
create or replace function earliest as (value, moment) ->
    argMinIf(value, tuple(moment, value), value <> '');
create or replace function latest as (value, moment) ->
    argMaxIf(value, tuple(moment, value), value <> '');
-- The same where no two moments of a group are equal.
create or replace function first_text as (value, moment) -> argMinIf(value, moment, value <> '');
create or replace function last_text as (value, moment) -> argMaxIf(value, moment, value <> '');
create or replace function end_of_latest as (end_utc, moment) ->
    argMaxIf(end_utc, moment, moment is not null);
