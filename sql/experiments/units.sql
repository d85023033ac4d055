-- Units of an experiment by variant, '' for those that saw more than one.
-- params:  experiment (text), start, end (timestamp)
-- columns: variant, units, first_seen_utc, last_seen_utc
with units as (
    select x.unit_id, min(x.variant) as first_variant, max(x.variant) as last_variant,
           min(x.at_utc) as seen_utc
    from exposures as x
    where x.experiment_key = $experiment and x.at_utc >= $start and x.at_utc < $end
    group by x.unit_id
)
select case when u.first_variant = u.last_variant then u.first_variant else '' end as variant,
       count(*)::bigint as units, min(u.seen_utc) as first_seen_utc,
       max(u.seen_utc) as last_seen_utc
from units as u
group by case when u.first_variant = u.last_variant then u.first_variant else '' end
order by case when u.first_variant = u.last_variant then u.first_variant else '' end
