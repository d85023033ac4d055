-- Fill viewers_hour for a span: the smallest user hashes of each hour that saw a page or came from
-- a referrer, at most 2,600 of each (a standard error of 2 %), by workspace and, under the empty
-- name, of all workspaces together.
-- params:  start, end (timestamp)
insert into viewers_hour (bucket_utc, workspace_id, aspect, name, user_hash)
with seen as (
    select distinct bucket(3600, v.at_utc) as bucket_utc, v.workspace_id as workspace_id,
           'page' as aspect, v.page as name, v.user_hash as user_hash
    from page_views as v
    where v.at_utc >= $start and v.at_utc < $end and v.user_id <> ''
    union all
    select distinct bucket(3600, v.at_utc) as bucket_utc, v.workspace_id as workspace_id,
           'referrer' as aspect, v.referrer as name, v.user_hash as user_hash
    from page_views as v
    where v.at_utc >= $start and v.at_utc < $end and v.user_id <> ''
)
select ranked.bucket_utc, ranked.workspace_id, ranked.aspect, ranked.name, ranked.user_hash
from (
    select named.bucket_utc, named.workspace_id, named.aspect, named.name, named.user_hash,
           row_number() over (
               partition by named.bucket_utc, named.workspace_id, named.aspect, named.name
               order by named.user_hash) as place
    from (
        select s.bucket_utc, s.workspace_id, s.aspect, s.name, s.user_hash from seen as s
        union all
        select distinct a.bucket_utc, '' as workspace_id, a.aspect, a.name, a.user_hash
        from seen as a
    ) as named
) as ranked
where ranked.place <= 2600
order by ranked.workspace_id, ranked.bucket_utc
