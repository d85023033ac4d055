-- The latest deploys of a span, oldest first, for the marks on time charts.
-- params:  start, end (timestamp), limit (bigint)
-- columns: event_id, at_utc, workspace_id, source, component, version, note
select latest.event_id, latest.at_utc, latest.workspace_id, latest.source, latest.component,
       latest.version, latest.note
from (
    select d.event_id, d.at_utc, d.workspace_id, d.source, d.component, d.version, d.note
    from deploys as d
    where d.at_utc >= $start and d.at_utc < $end
    order by d.at_utc desc, d.event_id
    limit $limit
) as latest
order by latest.at_utc, latest.event_id
