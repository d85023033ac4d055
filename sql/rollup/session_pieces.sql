-- Fill session_pieces for a span of whole hours from the events themselves.
-- Events with neither a user nor a session are in no session.
-- params:  start, end (timestamp)
insert into session_pieces (
    bucket_utc, workspace_id, unit_hash, first_utc, last_utc, requests, page_views, interactions,
    region, device, referrer, entry_page, exit_page,
    first_view_utc, last_view_utc, view_end_utc, view_page, view_region, view_device
)
with viewed as (
    select bucket(1800, v.at_utc) as bucket_utc, v.workspace_id as workspace_id,
           session_unit(v.user_id, v.user_hash, v.session_id) as unit_hash,
           v.at_utc as at_utc, v.page as page, v.referrer as referrer, v.region as region,
           v.device as device, v.duration_ms as duration_ms
    from page_views as v
    where v.at_utc >= $start and v.at_utc < $end and (v.user_id <> '' or v.session_id <> '')
), views as (
    select d.bucket_utc, d.workspace_id, d.unit_hash, d.at_utc, d.page, d.referrer, d.region,
           d.device, d.duration_ms,
           max(d.at_utc) over (partition by d.bucket_utc, d.workspace_id, d.unit_hash)
               as newest_utc
    from viewed as d
), visits as (
    select v.bucket_utc as bucket_utc, v.workspace_id as workspace_id, v.unit_hash as unit_hash,
           earliest(v.referrer, v.at_utc) as referrer, earliest(v.page, v.at_utc) as entry_page,
           latest(v.page, v.at_utc) as exit_page,
           min(v.at_utc) as first_view_utc, max(v.at_utc) as last_view_utc,
           max(case when v.at_utc = v.newest_utc
                    then add_ms(v.at_utc, coalesce(v.duration_ms, 0)) end) as view_end_utc,
           max(case when v.at_utc = v.newest_utc then v.page end) as view_page,
           max(case when v.at_utc = v.newest_utc then v.region end) as view_region,
           max(case when v.at_utc = v.newest_utc then v.device end) as view_device
    from views as v
    group by v.bucket_utc, v.workspace_id, v.unit_hash
), parts as (
    select v.bucket_utc as bucket_utc, v.workspace_id as workspace_id, v.unit_hash as unit_hash,
           min(v.at_utc) as first_utc, max(v.at_utc) as last_utc, 0 as requests,
           count(*) as page_views, 0 as interactions, v.region as region, v.device as device
    from viewed as v
    group by v.bucket_utc, v.workspace_id, v.unit_hash, v.region, v.device
    union all
    select bucket(1800, r.at_utc) as bucket_utc, r.workspace_id as workspace_id,
           session_unit(r.user_id, r.user_hash, r.session_id) as unit_hash,
           min(r.at_utc) as first_utc, max(r.at_utc) as last_utc, count(*) as requests,
           0 as page_views, 0 as interactions, r.region as region, r.device as device
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and (r.user_id <> '' or r.session_id <> '')
    group by bucket(1800, r.at_utc), r.workspace_id,
             session_unit(r.user_id, r.user_hash, r.session_id), r.region, r.device
    union all
    select bucket(1800, i.at_utc) as bucket_utc, i.workspace_id as workspace_id,
           session_unit(i.user_id, i.user_hash, i.session_id) as unit_hash,
           min(i.at_utc) as first_utc, max(i.at_utc) as last_utc, 0 as requests,
           0 as page_views, count(*) as interactions, i.region as region, i.device as device
    from interactions as i
    where i.at_utc >= $start and i.at_utc < $end and (i.user_id <> '' or i.session_id <> '')
    group by bucket(1800, i.at_utc), i.workspace_id,
             session_unit(i.user_id, i.user_hash, i.session_id), i.region, i.device
), pieces as (
    select p.bucket_utc as bucket_utc, p.workspace_id as workspace_id, p.unit_hash as unit_hash,
           min(p.first_utc) as starts_utc, max(p.last_utc) as ends_utc,
           sum(p.requests)::bigint as requests_sum, sum(p.page_views)::bigint as page_views_sum,
           sum(p.interactions)::bigint as interactions_sum,
           earliest(p.region, p.first_utc) as first_region,
           earliest(p.device, p.first_utc) as first_device
    from parts as p
    group by p.bucket_utc, p.workspace_id, p.unit_hash
)
select p.bucket_utc, p.workspace_id, p.unit_hash, p.starts_utc, p.ends_utc, p.requests_sum,
       p.page_views_sum, p.interactions_sum, p.first_region, p.first_device,
       coalesce(v.referrer, '') as first_referrer, coalesce(v.entry_page, '') as first_page,
       coalesce(v.exit_page, '') as last_page,
       v.first_view_utc, v.last_view_utc, v.view_end_utc, v.view_page, v.view_region, v.view_device
from pieces as p
left join visits as v on v.bucket_utc = p.bucket_utc and v.workspace_id = p.workspace_id
    and v.unit_hash = p.unit_hash
order by p.bucket_utc, p.workspace_id
