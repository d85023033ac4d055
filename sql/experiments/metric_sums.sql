-- Sums per variant and metric over units, with what each unit was before its exposure (CUPED).
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- "total" adds up a unit's values, at most cap; "any" is 1 for a unit with a value above 0; "mean"
-- is a unit's mean value, of units that have one.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list), cap (double)
-- columns: metric, variant, any_sum, any_before_sum, any_product_sum, total_sum,
--          total_sum_squares, total_before_sum, total_before_sum_squares, total_product_sum,
--          mean_units, mean_sum, mean_sum_squares, mean_before_sum, mean_before_sum_squares,
--          mean_product_sum
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
), per_unit as (
    select h.metric, u.variant, u.unit_id,
           sum(case when h.at_utc >= u.seen_utc then h.value else 0 end) as after_total,
           sum(case when h.at_utc >= u.seen_utc then 0 else h.value end) as before_total,
           sum(case when h.at_utc >= u.seen_utc then 1 else 0 end)::bigint as after_values,
           sum(case when h.at_utc >= u.seen_utc then 0 else 1 end)::bigint as before_values,
           max(case when h.at_utc >= u.seen_utc and h.value > 0 then 1.0 else 0.0 end)
               as after_any,
           max(case when h.at_utc < u.seen_utc and h.value > 0 then 1.0 else 0.0 end)
               as before_any
    from units as u
    join happened as h on h.unit_id = u.unit_id
    group by h.metric, u.variant, u.unit_id
), capped as (
    select p.metric, p.variant, p.after_any, p.before_any, p.after_values,
           least(p.after_total, $cap) as after_sum, least(p.before_total, $cap) as before_sum,
           case when p.after_values = 0 then 0
                else least(p.after_total / p.after_values, $cap) end as after_mean,
           case when p.after_values = 0 or p.before_values = 0 then 0
                else least(p.before_total / p.before_values, $cap) end as before_mean
    from per_unit as p
)
select c.metric, c.variant, sum(c.after_any)::double precision as any_sum,
       sum(c.before_any)::double precision as any_before_sum,
       sum(c.after_any * c.before_any)::double precision as any_product_sum,
       sum(c.after_sum) as total_sum, sum(c.after_sum * c.after_sum) as total_sum_squares,
       sum(c.before_sum) as total_before_sum,
       sum(c.before_sum * c.before_sum) as total_before_sum_squares,
       sum(c.after_sum * c.before_sum) as total_product_sum,
       sum(case when c.after_values > 0 then 1 else 0 end)::bigint as mean_units,
       sum(c.after_mean) as mean_sum, sum(c.after_mean * c.after_mean) as mean_sum_squares,
       sum(c.before_mean) as mean_before_sum,
       sum(c.before_mean * c.before_mean) as mean_before_sum_squares,
       sum(c.after_mean * c.before_mean) as mean_product_sum
from capped as c
group by c.metric, c.variant
order by c.metric, c.variant
