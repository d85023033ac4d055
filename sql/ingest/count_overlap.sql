-- Whether incoming events could repeat each other or an event that is there.
-- names:   kind (a table of brain.events)
-- params:  near_start, near_end (timestamp)
-- columns: rows_in, distinct_ids, near_rows
select
    (select count(*) from incoming) as rows_in,
    (select count(distinct event_id) from incoming) as distinct_ids,
    (select count(*) from {kind} as known
     where known.at_utc >= $near_start and known.at_utc <= $near_end) as near_rows
