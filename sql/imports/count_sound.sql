-- How many rows of a surveyed file there are, are plainly sound, and have an id of their own.
-- columns: rows_read, rows_sound, distinct_ids
select count(*) as rows_read, count(*) filter (where is_sound) as rows_sound,
       count(distinct hash(event_id)) as distinct_ids
from surveyed_rows
