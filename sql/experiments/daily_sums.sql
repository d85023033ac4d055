-- What each day adds to the cumulative sums of one metric by variant.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- A unit's value after a day replaces the one before it: sums over days are exact sums over units.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: one), how (text: any, total or mean), cap (double)
-- columns: variant, day_utc, new_units, new_measured, value_sum, value_sum_squares
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
), per_day as (
    select u.variant, u.unit_id, bucket(86400, h.at_utc) as at_day, sum(h.value) as value_total,
           count(*) as value_n, max(case when h.value > 0 then 1.0 else 0.0 end) as value_any
    from units as u
    join happened as h on h.unit_id = u.unit_id
    where h.at_utc >= u.seen_utc
    group by u.variant, u.unit_id, bucket(86400, h.at_utc)
), cumulated as (
    select d.variant, d.unit_id, d.at_day,
           sum(d.value_total) over (partition by d.unit_id order by d.at_day) as total_now,
           sum(d.value_n) over (partition by d.unit_id order by d.at_day) as n_now,
           max(d.value_any) over (partition by d.unit_id order by d.at_day) as any_now,
           row_number() over (partition by d.unit_id order by d.at_day) as step,
           sum(d.value_total) over (partition by d.unit_id order by d.at_day) - d.value_total
               as total_old,
           sum(d.value_n) over (partition by d.unit_id order by d.at_day) - d.value_n as n_old,
           max(d.value_any) over (partition by d.unit_id order by d.at_day
                                  rows between unbounded preceding and 1 preceding) as any_old
    from per_day as d
), stated as (
    select c.variant, c.at_day, case when c.step = 1 then 1 else 0 end as is_new,
           (case when $how = 'any' then c.any_now
                 when $how = 'mean' then least(c.total_now / c.n_now, $cap)
                 else least(c.total_now, $cap) end)::double precision as value_now,
           (case when c.step = 1 then 0
                 when $how = 'any' then c.any_old
                 when $how = 'mean' then least(c.total_old / nullif(c.n_old, 0), $cap)
                 else least(c.total_old, $cap) end)::double precision as value_old
    from cumulated as c
), pieces as (
    select s.variant, s.at_day, 0 as units_n, s.is_new, s.value_now - s.value_old as delta,
           s.value_now * s.value_now - s.value_old * s.value_old as delta_squares
    from stated as s
    union all
    select u.variant, bucket(86400, u.seen_utc) as at_day, 1 as units_n, 0 as is_new,
           cast(0 as double precision) as delta, cast(0 as double precision) as delta_squares
    from units as u
)
select p.variant, p.at_day as day_utc, sum(p.units_n)::bigint as new_units,
       sum(p.is_new)::bigint as new_measured, sum(p.delta) as value_sum,
       sum(p.delta_squares) as value_sum_squares
from pieces as p
group by p.variant, p.at_day
order by p.variant, p.at_day
