-- Forget the first events that a span of whole days can have changed.
-- params:  start, end (timestamp)
delete from first_seen
where first_utc >= $start
  and (first_utc < $end or (workspace_id, user_hash) in (
      select d.workspace_id, d.user_hash from active_day as d
      where d.bucket_utc >= $start and d.bucket_utc < $end))
