-- Fill active_week for a span of whole ISO weeks from active_day.
-- params:  start, end (timestamp)
insert into active_week (bucket_utc, workspace_id, user_hash)
select distinct iso_week(d.bucket_utc) as bucket_utc, d.workspace_id, d.user_hash
from active_day as d
where d.bucket_utc >= $start and d.bucket_utc < $end
