-- Sums of one metric by segment and variant; a unit's segment is that of its earliest request or
-- page view in the span, '' where it has none.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: one), dimension (text: device, region, workspace or model),
--          cap (double)
-- columns: segment, variant, units, any_sum, total_sum, total_sum_squares, mean_units, mean_sum,
--          mean_sum_squares
with units as (
    select x.unit_id, min(x.variant) as variant, min(x.at_utc) as seen_utc
    from exposures as x
    where x.experiment_key = $experiment and x.at_utc >= $start and x.at_utc < $end
    group by x.unit_id
    having min(x.variant) = max(x.variant)
), places as (
    select r.at_utc, case when $unit = 'session' then r.session_id
                          when $unit = 'workspace' then r.workspace_id
                          else r.user_id end as unit_id,
           case when $dimension = 'device' then r.device
                when $dimension = 'region' then r.region
                when $dimension = 'model' then r.model
                else r.workspace_id end as place
    from requests as r
    where r.at_utc >= $before_start and r.at_utc < $end
    union all
    select v.at_utc, case when $unit = 'session' then v.session_id
                          when $unit = 'workspace' then v.workspace_id
                          else v.user_id end as unit_id,
           case when $dimension = 'device' then v.device
                when $dimension = 'region' then v.region
                when $dimension = 'model' then ''
                else v.workspace_id end as place
    from page_views as v
    where v.at_utc >= $before_start and v.at_utc < $end
), placed as (
    select u.unit_id, earliest(p.place, p.at_utc) as place
    from units as u
    join places as p on p.unit_id = u.unit_id
    group by u.unit_id
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
    select coalesce(p.place, '') as place, u.variant,
           coalesce(m.value_any, 0) as any_value,
           case when m.value_n > 0 then least(m.value_total, $cap) else 0 end as total_value,
           case when m.value_n > 0 then 1 else 0 end as has_value,
           case when m.value_n > 0 then least(m.value_total / m.value_n, $cap) else 0 end
               as mean_value
    from units as u
    left join placed as p on p.unit_id = u.unit_id
    left join measured as m on m.unit_id = u.unit_id
)
select s.place as segment, s.variant, count(*)::bigint as units,
       sum(s.any_value)::double precision as any_sum, sum(s.total_value) as total_sum,
       sum(s.total_value * s.total_value) as total_sum_squares,
       sum(s.has_value)::bigint as mean_units, sum(s.mean_value) as mean_sum,
       sum(s.mean_value * s.mean_value) as mean_sum_squares
from stated as s
group by s.place, s.variant
order by s.place, s.variant
