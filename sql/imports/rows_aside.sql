-- Positions of a surveyed file's rows that need a judge: not plainly sound, or sharing an id.
-- columns: row_position
select s.row_position
from surveyed_rows as s
where not s.is_sound or hash(s.event_id) in (
    select hash(r.event_id) from surveyed_rows as r
    group by hash(r.event_id) having count(*) > 1)
order by s.row_position
