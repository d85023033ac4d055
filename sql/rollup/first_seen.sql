-- Fill first_seen for the users without one, who have no event before a moment.
-- params:  start (timestamp)
insert into first_seen (workspace_id, user_hash, first_utc)
select d.workspace_id, d.user_hash, min(d.first_utc) as earliest_utc
from active_day as d
left join first_seen as f on f.workspace_id = d.workspace_id and f.user_hash = d.user_hash
where d.bucket_utc >= $start and f.user_hash is null
group by d.workspace_id, d.user_hash
