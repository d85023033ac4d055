-- Note the hours whose sums the sessions and view links in the windows are part of.
-- params:  first, last (timestamp: bounds of all windows)
insert into session_hours (hour_utc)
select s.bucket_utc as hour_utc
from sessions as s
join session_windows as w on w.workspace_id = s.workspace_id and w.unit_hash = s.unit_hash
where s.start_utc >= $first and s.start_utc <= $last
  and s.start_utc >= w.from_utc and s.start_utc <= w.to_utc
union distinct
select l.bucket_utc as hour_utc
from view_links as l
join session_windows as w on w.workspace_id = l.workspace_id and w.unit_hash = l.unit_hash
where l.at_utc >= $first and l.at_utc <= $last
  and l.at_utc >= w.from_utc and l.at_utc <= w.to_utc
