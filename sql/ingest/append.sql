-- Add incoming events that are not there yet. An event is the same if its id is the same
-- among the events from a day before to a day after it.
-- names:   kind (a table of brain.events), columns (its fields)
-- params:  near_start, near_end (timestamp)
insert into {kind} ({columns}, batch_seq, user_hash)
with known as (
    select there.event_id from {kind} as there
    where there.at_utc >= $near_start and there.at_utc <= $near_end
      and there.event_id in (select event_id from incoming)
), repeated as (
    select event_id from incoming group by event_id having count(*) > 1
)
select {columns}, batch_seq, hash60(user_id)
from incoming
where event_id not in (select event_id from known)
  and event_id not in (select event_id from repeated)
union all
select {columns}, batch_seq, hash60(user_id)
from (
    select *, row_number() over (partition by event_id order by batch_seq) as repeat_number
    from incoming
    where event_id in (select event_id from repeated)
      and event_id not in (select event_id from known)
) as fresh
where repeat_number = 1
