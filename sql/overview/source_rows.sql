-- How many events of each kind came from one source.
-- params:  source (text)
-- columns: kind, events (count)
select counted.kind, counted.events
from (
    select 'requests' as kind, count(*)::bigint as events from requests as r
    where r.source = $source
    union all
    select 'page_views', count(*)::bigint from page_views as r where r.source = $source
    union all
    select 'interactions', count(*)::bigint from interactions as r where r.source = $source
    union all
    select 'exposures', count(*)::bigint from exposures as r where r.source = $source
    union all
    select 'outcomes', count(*)::bigint from outcomes as r where r.source = $source
    union all
    select 'feedback', count(*)::bigint from feedback as r where r.source = $source
    union all
    select 'metric_samples', count(*)::bigint from metric_samples as r where r.source = $source
    union all
    select 'deploys', count(*)::bigint from deploys as r where r.source = $source
    union all
    select 'request_steps', count(*)::bigint from request_steps as r where r.source = $source
) as counted
order by counted.kind
