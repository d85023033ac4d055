-- Workspaces whose questions are stored in their wording, most first: at most 1,000.
-- params:  workspaces (text list, empty for all)
-- columns: workspace_id, texts (count)
select r.workspace_id, count(*)::bigint as texts
from requests as r
where r.query_text is not null and matches($workspaces, r.workspace_id)
group by r.workspace_id
order by texts desc, r.workspace_id
limit 1000
