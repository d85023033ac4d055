-- Fill active_day for a span of whole days from the session pieces.
-- params:  start, end (timestamp)
insert into active_day (bucket_utc, workspace_id, user_hash, first_utc)
select bucket(86400, p.bucket_utc) as bucket_utc, p.workspace_id, p.unit_hash,
       min(p.first_utc) as earliest_utc
from session_pieces as p
where p.bucket_utc >= $start and p.bucket_utc < $end and p.unit_hash >= 0
group by bucket(86400, p.bucket_utc), p.workspace_id, p.unit_hash
