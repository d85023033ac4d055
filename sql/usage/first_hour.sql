-- The first hour that has requests of the chosen workspaces; null without any.
-- params:  workspaces (text list, empty for all)
-- columns: first_hour_utc
select min(u.bucket_utc) as first_hour_utc
from usage_hour as u
where matches($workspaces, u.workspace_id)
