-- Sessions that start in a span by one dimension, most sessions first: days from the rollup, the
-- hours at both ends one by one.
-- A session counts where it starts. With models or agents: sessions with a request of theirs,
-- found among the requests themselves. Engaged sessions are those that are not bounces.
-- params:  dimension (text: workspace_id, region, device, referrer or entry_page),
--          start, day_start, day_end, end (timestamp),
--          workspaces, models, agents, regions, devices (text list, empty for all),
--          limit (bigint)
-- columns: name, sessions, bounces, duration_s_sum, engaged_sessions,
--          engaged_duration_s_sum, page_views
with asked as (
    select distinct s.workspace_id, s.unit_hash, s.start_utc
    from sessions as s
    join requests as r on r.workspace_id = s.workspace_id
        and session_unit(r.user_id, r.user_hash, r.session_id) = s.unit_hash
    where s.start_utc >= $start and s.start_utc < $end and r.at_utc >= $start
      and r.at_utc >= s.start_utc and r.at_utc <= s.last_event_utc
      and (r.user_id <> '' or r.session_id <> '')
      and not (takes_all($models) and takes_all($agents))
      and matches($models, r.model) and matches($agents, r.agent_id)
      and matches($workspaces, s.workspace_id) and matches($regions, s.region)
      and matches($devices, s.device)
), pieces as (
    select case when $dimension = 'workspace_id' then d.workspace_id
                when $dimension = 'region' then d.region
                when $dimension = 'device' then d.device
                when $dimension = 'referrer' then d.referrer
                when $dimension = 'entry_page' then d.entry_page
                else '' end as name, d.sessions, d.bounces, d.duration_s_sum, d.engaged_sessions,
           d.engaged_duration_s_sum, d.page_views
    from origins_day as d
    where d.bucket_utc >= $day_start and d.bucket_utc < $day_end
      and takes_all($models) and takes_all($agents)
      and matches($workspaces, d.workspace_id) and matches($regions, d.region)
      and matches($devices, d.device)
    union all
    select case when $dimension = 'workspace_id' then s.workspace_id
                when $dimension = 'region' then s.region
                when $dimension = 'device' then s.device
                when $dimension = 'referrer' then s.referrer
                when $dimension = 'entry_page' then s.entry_page
                else '' end as name, 1 as sessions, case when s.is_bounce then 1 else 0 end as bounces,
           seconds_between(s.start_utc, s.end_utc) as duration_s_sum,
           case when s.is_bounce then 0 else 1 end as engaged_sessions,
           case when s.is_bounce then 0.0 else seconds_between(s.start_utc, s.end_utc) end
               as engaged_duration_s_sum,
           s.page_views as page_views
    from sessions as s
    where ((s.start_utc >= $start and s.start_utc < $day_start)
           or (s.start_utc >= $day_end and s.start_utc < $end))
      and takes_all($models) and takes_all($agents)
      and matches($workspaces, s.workspace_id) and matches($regions, s.region)
      and matches($devices, s.device)
    union all
    select case when $dimension = 'workspace_id' then s.workspace_id
                when $dimension = 'region' then s.region
                when $dimension = 'device' then s.device
                when $dimension = 'referrer' then s.referrer
                when $dimension = 'entry_page' then s.entry_page
                else '' end as name, 1 as sessions, case when s.is_bounce then 1 else 0 end as bounces,
           seconds_between(s.start_utc, s.end_utc) as duration_s_sum,
           case when s.is_bounce then 0 else 1 end as engaged_sessions,
           case when s.is_bounce then 0.0 else seconds_between(s.start_utc, s.end_utc) end
               as engaged_duration_s_sum,
           s.page_views as page_views
    from sessions as s
    join asked as a on a.workspace_id = s.workspace_id and a.unit_hash = s.unit_hash
        and a.start_utc = s.start_utc
    where s.start_utc >= $start and s.start_utc < $end
)
select p.name as name,
       sum(p.sessions)::bigint as sessions,
       sum(p.bounces)::bigint as bounces,
       sum(p.duration_s_sum) as duration_s_sum,
       sum(p.engaged_sessions)::bigint as engaged_sessions,
       sum(p.engaged_duration_s_sum) as engaged_duration_s_sum,
       sum(p.page_views)::bigint as page_views
from pieces as p
group by p.name
order by sessions desc, name
limit $limit
