-- Fill users_hour for a span: the smallest user hashes of each hour, by workspace and, under the
-- empty name, of all workspaces together.
-- params:  start, end (timestamp), sketch_size (bigint)
insert into users_hour (bucket_utc, workspace_id, user_hash)
with seen as (
    select bucket(3600, r.at_utc) as bucket_utc, r.workspace_id, r.user_hash
    from requests as r
    where r.at_utc >= $start and r.at_utc < $end and r.user_id <> ''
    union distinct
    select bucket(3600, v.at_utc) as bucket_utc, v.workspace_id, v.user_hash
    from page_views as v
    where v.at_utc >= $start and v.at_utc < $end and v.user_id <> ''
    union distinct
    select bucket(3600, i.at_utc) as bucket_utc, i.workspace_id, i.user_hash
    from interactions as i
    where i.at_utc >= $start and i.at_utc < $end and i.user_id <> ''
)
select ranked.bucket_utc, ranked.workspace_id, ranked.user_hash
from (
    select named.bucket_utc, named.workspace_id, named.user_hash,
           row_number() over (partition by named.bucket_utc, named.workspace_id
                              order by named.user_hash) as position
    from (
        select s.bucket_utc, s.workspace_id, s.user_hash from seen as s
        union all
        select distinct a.bucket_utc, '' as workspace_id, a.user_hash from seen as a
    ) as named
) as ranked
where ranked.position <= $sketch_size
order by ranked.workspace_id, ranked.bucket_utc
