-- Positions of incoming rows whose id may stand in the file more than once.
-- columns: row_position
select i.row_position
from incoming as i
where hash(i.event_id) in (select r.id_hash from repeated as r)
order by i.row_position
