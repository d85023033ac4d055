-- When the latest request, page view or sample happened; null without any.
-- columns: last_at_utc
select max(latest.at_utc) as last_at_utc
from (
    select max(r.at_utc) as at_utc from requests as r
    union all
    select max(v.at_utc) from page_views as v
    union all
    select max(s.at_utc) from metric_samples as s
) as latest
