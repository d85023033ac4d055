-- Text as times in microseconds since 1970 UTC. ISO 8601 without a zone is UTC; a plain number
-- is seconds, milliseconds, microseconds or nanoseconds since 1970, by its size.
-- columns: at_us, unit (iso, s, ms, us, ns, or '' where the text is no time)
select
    case unit
        when 'iso' then epoch_us(moment)
        when 's' then (number * 1000000)::bigint
        when 'ms' then (number * 1000)::bigint
        when 'us' then number::bigint
        when 'ns' then (number / 1000)::bigint
    end as at_us,
    unit
from (
    select
        moment,
        number,
        case
            when moment is not null then 'iso'
            when number is null then ''
            when abs(number) < 100000000000 then 's'
            when abs(number) < 100000000000000 then 'ms'
            when abs(number) < 100000000000000000 then 'us'
            when abs(number) < 9000000000000000000 then 'ns'
            else ''
        end as unit
    from (
        select
            case when regexp_full_match(
                value, '[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?'
                || ' ?([Zz]|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?')
                then try_cast(replace(value, ',', '.') as timestamptz) end as moment,
            case when regexp_full_match(value, '[+-]?[0-9]{1,20}([.][0-9]*)?')
                then try_cast(value as decimal(38, 9)) end as number
        from (select trim(value) as value from incoming) as trimmed
    ) as cast_text
) as judged
