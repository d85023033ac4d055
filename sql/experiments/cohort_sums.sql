-- Sums of one metric by variant and day of the first exposure: disjoint units from day to day.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: one), cap (double)
-- columns: cohort_utc, variant, units, any_sum, total_sum, total_sum_squares, mean_units, mean_sum,
--          mean_sum_squares
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
), measured as (
    select u.unit_id, sum(h.value) as value_total, count(*) as value_n,
           max(case when h.value > 0 then 1.0 else 0.0 end) as value_any
    from units as u
    join happened as h on h.unit_id = u.unit_id
    where h.at_utc >= u.seen_utc
    group by u.unit_id
), stated as (
    select bucket(86400, u.seen_utc) as cohort_day, u.variant,
           coalesce(m.value_any, 0) as any_value,
           case when m.value_n > 0 then least(m.value_total, $cap) else 0 end as total_value,
           case when m.value_n > 0 then 1 else 0 end as has_value,
           case when m.value_n > 0 then least(m.value_total / m.value_n, $cap) else 0 end
               as mean_value
    from units as u
    left join measured as m on m.unit_id = u.unit_id
)
select s.cohort_day as cohort_utc, s.variant, count(*)::bigint as units,
       sum(s.any_value)::double precision as any_sum, sum(s.total_value) as total_sum,
       sum(s.total_value * s.total_value) as total_sum_squares,
       sum(s.has_value)::bigint as mean_units, sum(s.mean_value) as mean_sum,
       sum(s.mean_value * s.mean_value) as mean_sum_squares
from stated as s
group by s.cohort_day, s.variant
order by s.cohort_day, s.variant
