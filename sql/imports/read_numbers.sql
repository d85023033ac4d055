-- Text as numbers, with what is wrong where it is none.
-- columns: number, fault ('' where the text is a number)
select
    case when fault = '' then number end as number,
    fault
from (
    select
        number,
        case
            when value is null or trim(value) = '' then 'empty'
            when regexp_full_match(lower(trim(value)), '[+-]?(nan|inf|infinity)')
                then 'not_finite'
            when number is null
                or not regexp_full_match(trim(value), '[+-]?[0-9]*[.]?[0-9]*([eE][+-]?[0-9]+)?')
                then 'not_a_number'
            when not isfinite(number) then 'not_finite'
            else ''
        end as fault
    from (select value, try_cast(trim(value) as double) as number from incoming) as cast_text
) as judged
