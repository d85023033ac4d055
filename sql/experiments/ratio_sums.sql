-- Sums and cross products of two metrics over the same units, for their ratio by variant.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: both), metric, denominator (text), cap (double)
-- columns: variant, units, value_sum, value_sum_squares, denominator_sum,
--          denominator_sum_squares, product_sum
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
    select u.variant, u.unit_id,
           sum(case when h.metric = $metric then h.value else 0 end) as above,
           sum(case when h.metric = $denominator then h.value else 0 end) as below
    from units as u
    join happened as h on h.unit_id = u.unit_id
    where h.at_utc >= u.seen_utc
    group by u.variant, u.unit_id
), capped as (
    select p.variant, least(p.above, $cap) as above, p.below from per_unit as p
)
select c.variant, count(*)::bigint as units, sum(c.above) as value_sum,
       sum(c.above * c.above) as value_sum_squares, sum(c.below) as denominator_sum,
       sum(c.below * c.below) as denominator_sum_squares, sum(c.above * c.below) as product_sum
from capped as c
group by c.variant
order by c.variant
