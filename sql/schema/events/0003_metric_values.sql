-- Every number that an experiment may measure: outcomes under their own name, and what requests
-- and feedback tell by themselves. unit_id is '' where user, session or workspace is the unit.
create view metric_values as
select o.metric as metric, o.at_utc as at_utc, o.unit_id as unit_id, o.user_id as user_id,
       o.session_id as session_id, o.workspace_id as workspace_id, o.value as value
from outcomes as o
union all
select 'requests' as metric, r.at_utc as at_utc, '' as unit_id, r.user_id as user_id,
       r.session_id as session_id, r.workspace_id as workspace_id,
       cast(1 as double precision) as value
from requests as r
union all
select 'errors' as metric, e.at_utc as at_utc, '' as unit_id, e.user_id as user_id,
       e.session_id as session_id, e.workspace_id as workspace_id,
       cast(1 as double precision) as value
from requests as e
where e.status = 'error'
union all
select 'latency_ms' as metric, l.at_utc as at_utc, '' as unit_id, l.user_id as user_id,
       l.session_id as session_id, l.workspace_id as workspace_id,
       coalesce(l.latency_ms, 0) as value
from requests as l
where l.latency_ms is not null
union all
select 'stars' as metric, f.at_utc as at_utc, '' as unit_id, f.user_id as user_id,
       f.session_id as session_id, f.workspace_id as workspace_id,
       cast(f.stars as double precision) as value
from feedback as f
union all
select 'llm_cost_usd' as metric, p.at_utc as at_utc, '' as unit_id, p.user_id as user_id,
       s.session_id as session_id, p.workspace_id as workspace_id,
       cast(coalesce(p.cost_pico_usd, 0) as double precision) / 1e12 as value
from priced_requests as p
join requests as s on s.event_id = p.event_id
where p.cost_pico_usd is not null;
