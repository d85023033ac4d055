-- What units' outcomes were, by metric: the baselines from which experiments are planned.
-- params:  start, end (timestamp, half-open), workspaces (text list, empty for all), limit (bigint)
-- columns: metric, units (count), positive_units (count of those with a value above 0),
--          mean_sum, mean_squares (of each unit's mean), total_sum, total_squares (of its sum)
with per_unit as (
    select o.metric as metric, o.unit_id as unit_id, avg(o.value) as unit_mean,
           sum(o.value) as unit_total,
           max(case when o.value > 0 then 1 else 0 end) as is_positive
    from outcomes as o
    where o.at_utc >= $start and o.at_utc < $end and matches($workspaces, o.workspace_id)
    group by o.metric, o.unit_id
)
select p.metric as metric, count(*)::bigint as units, sum(p.is_positive)::bigint as positive_units,
       sum(p.unit_mean) as mean_sum, sum(p.unit_mean * p.unit_mean) as mean_squares,
       sum(p.unit_total) as total_sum, sum(p.unit_total * p.unit_total) as total_squares
from per_unit as p
group by p.metric
order by units desc, metric
limit $limit
