-- Minutes with requests over time, and how many of them were down, as health/availability has it.
-- params:  width_s (bigint), minute_start, minute_end, event_start, event_end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all)
-- columns: bucket_start_utc, minutes (count), down_minutes (count)
with pieces as (
    select u.bucket_utc as minute_utc, u.requests as asked, u.errors as failed
    from usage_minute as u
    where u.bucket_utc >= $minute_start and u.bucket_utc < $minute_end
      and matches($workspaces, u.workspace_id)
    union all
    select bucket(60, r.at_utc), 1, case when r.status = 'error' then 1 else 0 end
    from requests as r
    where r.at_utc >= $event_start and r.at_utc < $event_end
      and matches($workspaces, r.workspace_id) and matches($models, r.model)
      and matches($agents, r.agent_id) and matches($regions, r.region)
      and matches($devices, r.device)
), per_minute as (
    select p.minute_utc, sum(p.asked) as asked, sum(p.failed) as failed
    from pieces as p
    group by p.minute_utc
)
select bucket($width_s, m.minute_utc) as bucket_start_utc, count(*)::bigint as minutes,
       coalesce(sum(case when m.failed >= 2 and m.failed * 2 >= m.asked then 1 else 0 end),
                0)::bigint as down_minutes
from per_minute as m
group by bucket($width_s, m.minute_utc)
order by bucket_start_utc
