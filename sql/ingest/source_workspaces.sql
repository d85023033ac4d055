-- Workspaces in the events of a source within a span of time.
-- names:   kind (a table of brain.events)
-- params:  source (text), start, end (timestamp, both included)
-- columns: workspace_id
select distinct e.workspace_id
from {kind} as e
where e.source = $source and e.at_utc >= $start and e.at_utc <= $end
order by e.workspace_id
