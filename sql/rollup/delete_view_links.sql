-- Remove the view links in the windows.
-- params:  first, last (timestamp: bounds of all windows)
delete from view_links
where at_utc >= $first and at_utc <= $last
  and (workspace_id, unit_hash, at_utc) in (
    select l.workspace_id, l.unit_hash, l.at_utc
    from view_links as l
    join session_windows as w on w.workspace_id = l.workspace_id and w.unit_hash = l.unit_hash
    where l.at_utc >= $first and l.at_utc <= $last
      and l.at_utc >= w.from_utc and l.at_utc <= w.to_utc
  )
