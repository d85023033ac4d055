-- Units with a value of a metric while an experiment ran, of which no exposure is recorded.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp), metrics (text list: one)
-- columns: unexposed_units
with units as (
    select distinct x.unit_id
    from exposures as x
    where x.experiment_key = $experiment and x.at_utc >= $start and x.at_utc < $end
), happened as (
    select m.metric, m.at_utc, m.value,
           case when m.unit_id <> '' then m.unit_id
                when $unit = 'session' then m.session_id
                when $unit = 'workspace' then m.workspace_id
                else m.user_id end as unit_id
    from metric_values as m
    where m.at_utc >= $before_start and m.at_utc < $end and matches($metrics, m.metric)
), measured as (
    select distinct h.unit_id from happened as h where h.unit_id <> ''
)
select (count(*) - count(u.unit_id))::bigint as unexposed_units
from measured as m
left join units as u on u.unit_id = m.unit_id
