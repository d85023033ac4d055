-- Fill sessions in the windows from their pieces: a gap of more than 30 minutes begins a new one.
-- params:  first_bucket, last (timestamp: bounds of all windows, the first a whole half hour)
insert into sessions (
    bucket_utc, workspace_id, unit_hash, start_utc, last_event_utc, end_utc, events, requests,
    page_views, interactions, region, device, referrer, entry_page, exit_page, is_bounce
)
with ordered as (
    select p.workspace_id as workspace_id, p.unit_hash as unit_hash, p.first_utc as first_utc,
           p.last_utc as last_utc, p.requests as requests, p.page_views as page_views,
           p.interactions as interactions, p.region as region, p.device as device,
           p.referrer as referrer, p.entry_page as entry_page, p.exit_page as exit_page,
           p.last_view_utc as last_view_utc, p.view_end_utc as view_end_utc,
           seconds_between(lag(p.last_utc, 1, p.first_utc) over (
               partition by p.workspace_id, p.unit_hash order by p.first_utc), p.first_utc)
               as gap_s
    from session_pieces as p
    join session_windows as w on w.workspace_id = p.workspace_id and w.unit_hash = p.unit_hash
    where p.bucket_utc >= $first_bucket and p.bucket_utc <= $last
      and p.first_utc >= w.from_utc and p.first_utc <= w.to_utc
), numbered as (
    select o.workspace_id, o.unit_hash, o.first_utc, o.last_utc, o.requests, o.page_views,
           o.interactions, o.region, o.device, o.referrer, o.entry_page, o.exit_page,
           o.last_view_utc, o.view_end_utc,
           sum(case when o.gap_s > 1800 then 1 else 0 end) over (
               partition by o.workspace_id, o.unit_hash order by o.first_utc
               rows unbounded preceding) as session_number
    from ordered as o
), joined as (
    select v.workspace_id as workspace_id, v.unit_hash as unit_hash,
           min(v.first_utc) as start_utc, max(v.last_utc) as last_event_utc,
           end_of_latest(v.view_end_utc, v.last_view_utc) as view_end_utc,
           sum(v.requests)::bigint as requests, sum(v.page_views)::bigint as page_views,
           sum(v.interactions)::bigint as interactions,
           first_text(v.region, v.first_utc) as region,
           first_text(v.device, v.first_utc) as device,
           first_text(v.referrer, v.first_utc) as referrer,
           first_text(v.entry_page, v.first_utc) as entry_page,
           last_text(v.exit_page, v.last_utc) as exit_page
    from numbered as v
    group by v.workspace_id, v.unit_hash, v.session_number
)
select bucket(3600, j.start_utc) as bucket_utc, j.workspace_id, j.unit_hash, j.start_utc,
       j.last_event_utc,
       case when j.view_end_utc > j.last_event_utc then j.view_end_utc
            else j.last_event_utc end as end_utc,
       j.requests + j.page_views + j.interactions as events,
       j.requests, j.page_views, j.interactions, j.region, j.device, j.referrer, j.entry_page,
       j.exit_page, j.page_views = 1 and j.requests = 0 and j.interactions = 0 as is_bounce
from joined as j
order by j.start_utc
