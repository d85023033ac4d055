-- Events of a kind in a span of time, both ends included.
-- names:   kind (a table of brain.events)
-- params:  near_start, near_end (timestamp)
-- columns: near_rows
select count(*) as near_rows
from {kind} as known
where known.at_utc >= $near_start and known.at_utc <= $near_end
