-- Fill view_links in the windows: from the last view of a half hour to the next one, if both are
-- in one session.
-- params:  first_bucket, first, last (timestamp: bounds of all windows, the first one also as a
--          whole half hour)
insert into view_links (bucket_utc, workspace_id, unit_hash, at_utc, region, device, page, time_s)
with viewed as (
    select p.workspace_id as workspace_id, p.unit_hash as unit_hash,
           p.last_view_utc as at_utc, p.view_region as region, p.view_device as device,
           p.view_page as page,
           lead(p.first_view_utc, 1, p.first_view_utc) over (
               partition by p.workspace_id, p.unit_hash order by p.first_utc) as next_utc
    from session_pieces as p
    join session_windows as w on w.workspace_id = p.workspace_id and w.unit_hash = p.unit_hash
    where p.bucket_utc >= $first_bucket and p.bucket_utc <= $last
      and p.first_utc >= w.from_utc and p.first_utc <= w.to_utc and p.page_views > 0
)
select bucket(3600, v.at_utc) as bucket_utc, v.workspace_id, v.unit_hash, v.at_utc, v.region,
       v.device, v.page, seconds_between(v.at_utc, v.next_utc) as time_s
from viewed as v
join sessions as s on s.workspace_id = v.workspace_id and s.unit_hash = v.unit_hash
where v.next_utc > v.at_utc and s.start_utc <= v.at_utc and s.last_event_utc >= v.next_utc
  and s.start_utc >= $first and s.start_utc <= $last
order by v.at_utc
