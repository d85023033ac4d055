-- Distinct users with an event in the last five minutes.
-- params:  now (timestamp), workspaces (text list, empty for all)
-- columns: users (count)
with seen as (
    select r.user_hash
    from requests as r
    where r.at_utc > add_ms($now, -300000) and r.at_utc <= $now and r.user_id <> ''
      and matches($workspaces, r.workspace_id)
    union distinct
    select v.user_hash
    from page_views as v
    where v.at_utc > add_ms($now, -300000) and v.at_utc <= $now and v.user_id <> ''
      and matches($workspaces, v.workspace_id)
    union distinct
    select i.user_hash
    from interactions as i
    where i.at_utc > add_ms($now, -300000) and i.at_utc <= $now and i.user_id <> ''
      and matches($workspaces, i.workspace_id)
)
select count(*)::bigint as users from seen
