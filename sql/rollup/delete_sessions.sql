-- Remove the sessions in the windows.
-- params:  first, last (timestamp: bounds of all windows)
delete from sessions
where start_utc >= $first and start_utc <= $last
  and (workspace_id, unit_hash, start_utc) in (
    select s.workspace_id, s.unit_hash, s.start_utc
    from sessions as s
    join session_windows as w on w.workspace_id = s.workspace_id and w.unit_hash = s.unit_hash
    where s.start_utc >= $first and s.start_utc <= $last
      and s.start_utc >= w.from_utc and s.start_utc <= w.to_utc
  )
