-- Units of each sort by the day of the span on which they come first, for planning experiments.
-- params:  start, end (timestamp: whole days), workspaces (text list, empty for all)
-- columns: unit (user, session or workspace), day_utc, units (count)
with first_users as (
    select d.user_hash as user_hash, min(d.bucket_utc) as day_utc
    from active_day as d
    where d.bucket_utc >= $start and d.bucket_utc < $end and matches($workspaces, d.workspace_id)
    group by d.user_hash
), first_workspaces as (
    select w.workspace_id as workspace_id, min(w.bucket_utc) as day_utc
    from active_day as w
    where w.bucket_utc >= $start and w.bucket_utc < $end and matches($workspaces, w.workspace_id)
    group by w.workspace_id
), every_unit as (
    select 'user' as unit, u.day_utc as day_utc, count(*)::bigint as units
    from first_users as u
    group by u.day_utc
    union all
    select 'workspace' as unit, p.day_utc as day_utc, count(*)::bigint as units
    from first_workspaces as p
    group by p.day_utc
    union all
    select 'session' as unit, s.bucket_utc as day_utc, sum(s.sessions)::bigint as units
    from sessions_day as s
    where s.bucket_utc >= $start and s.bucket_utc < $end and matches($workspaces, s.workspace_id)
    group by s.bucket_utc
)
select e.unit as unit, e.day_utc as day_utc, e.units as units
from every_unit as e
order by unit, day_utc
