-- Note the units whose sessions a span of hours can have changed, and the time in which they can
-- have: the span and the sessions that touch it or come within 30 minutes of it.
-- params:  start, end, near_start, near_end (timestamp: 30 minutes before and after)
insert into session_windows (workspace_id, unit_hash, from_utc, to_utc)
with near as (
    select s.workspace_id, s.unit_hash, s.start_utc, s.last_event_utc
    from sessions as s
    where s.start_utc <= $near_end and s.last_event_utc >= $near_start
), changed as (
    select p.workspace_id, p.unit_hash
    from session_pieces as p
    where p.bucket_utc >= $start and p.bucket_utc < $end
    union distinct
    select n.workspace_id, n.unit_hash
    from near as n
    where n.start_utc < $end and n.last_event_utc >= $start
)
select c.workspace_id, c.unit_hash,
       case when min(n.start_utc) < $start then min(n.start_utc) else $start end as from_utc,
       case when max(n.last_event_utc) > $end then max(n.last_event_utc) else $end end as to_utc
from changed as c
left join near as n on n.workspace_id = c.workspace_id and n.unit_hash = c.unit_hash
group by c.workspace_id, c.unit_hash
