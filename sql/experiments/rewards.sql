-- What each unit of a bandit earned, in order of its first exposure.
-- Units are those that saw one variant only; outcomes count from their first exposure on.
-- params:  experiment (text), unit (text: user, session or workspace),
--          before_start, start, end (timestamp),
--          metrics (text list: one), how (text: any, total or mean), cap (double)
-- columns: unit_id, variant, seen_utc, reward (null for a mean of no value)
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
)
select u.unit_id, u.variant, u.seen_utc,
       (case when $how = 'any' then coalesce(m.value_any, 0)
             when $how = 'mean' then case when m.value_n > 0
                                          then least(m.value_total / m.value_n, $cap) end
             when m.value_n > 0 then least(m.value_total, $cap) else 0 end)::double precision as reward
from units as u
left join measured as m on m.unit_id = u.unit_id
order by u.seen_utc, u.unit_id
