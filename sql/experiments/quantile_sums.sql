-- A quantile of a metric's values by variant, its 95 % bounds by order statistics, and what its
-- units as clusters need: values of each unit, and those at or under the quantile.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: one), quantile (double)
-- columns: variant, values, value, lower, upper, clusters, under_sum, under_sum_squares,
--          events_sum, events_sum_squares, events_product_sum
with units as (
    select x.unit_id, min(x.variant) as variant, min(x.at_utc) as seen_utc
    from exposures as x
    where x.experiment_key = $experiment and x.at_utc >= $start and x.at_utc < $end
    group by x.unit_id
    having min(x.variant) = max(x.variant)
), happened as (
    select m.metric, m.at_utc, m.value,
           case when m.unit_id <> '' then m.unit_id
                when $unit = 'session' then m.session_id
                when $unit = 'workspace' then m.workspace_id
                else m.user_id end as unit_id
    from metric_values as m
    where m.at_utc >= $before_start and m.at_utc < $end and matches($metrics, m.metric)
), seen as (
    select u.variant, u.unit_id, h.value,
           row_number() over (partition by u.variant order by h.value) as place,
           count(*) over (partition by u.variant) as values_n
    from units as u
    join happened as h on h.unit_id = u.unit_id
    where h.at_utc >= u.seen_utc
), placed as (
    select s.variant, s.unit_id, s.value, s.place, s.values_n,
           ceil(s.values_n * $quantile) as middle,
           ceil(s.values_n * $quantile
                - 1.959963984540054 * sqrt(s.values_n * $quantile * (1 - $quantile))) as low,
           ceil(s.values_n * $quantile
                + 1.959963984540054 * sqrt(s.values_n * $quantile * (1 - $quantile))) as high
    from seen as s
), bounds as (
    select p.variant, max(p.values_n)::bigint as values_n,
           max(case when p.place = p.middle then p.value end) as middle_value,
           max(case when p.place = p.low then p.value end) as low_value,
           max(case when p.place = p.high then p.value end) as high_value
    from placed as p
    group by p.variant
), per_unit as (
    select s.variant, s.unit_id, count(*)::double precision as events_n,
           sum(case when s.value <= b.middle_value then 1 else 0 end)::double precision as under_n
    from seen as s
    join bounds as b on b.variant = s.variant
    group by s.variant, s.unit_id
), clusters as (
    select c.variant, count(*)::bigint as units_n, sum(c.under_n) as under_total,
           sum(c.under_n * c.under_n) as under_squares, sum(c.events_n) as events_total,
           sum(c.events_n * c.events_n) as events_squares,
           sum(c.events_n * c.under_n) as product_total
    from per_unit as c
    group by c.variant
)
select b.variant, b.values_n as values, b.middle_value as value, b.low_value as lower,
       b.high_value as upper, k.units_n as clusters, k.under_total as under_sum,
       k.under_squares as under_sum_squares, k.events_total as events_sum,
       k.events_squares as events_sum_squares, k.product_total as events_product_sum
from bounds as b
join clusters as k on k.variant = b.variant
order by b.variant
