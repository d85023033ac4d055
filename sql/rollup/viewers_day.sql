-- Fill viewers_day for a span of whole days from viewers_hour: the 2,600 smallest user
-- hashes of each page and referrer.
-- params:  start, end (timestamp)
insert into viewers_day (bucket_utc, workspace_id, aspect, name, user_hash)
select ranked.bucket_utc, ranked.workspace_id, ranked.aspect, ranked.name, ranked.user_hash
from (
    select seen.bucket_utc, seen.workspace_id, seen.aspect, seen.name, seen.user_hash,
           row_number() over (
               partition by seen.bucket_utc, seen.workspace_id, seen.aspect, seen.name
               order by seen.user_hash) as place
    from (
        select distinct bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.aspect,
               h.name, h.user_hash
        from viewers_hour as h
        where h.bucket_utc >= $start and h.bucket_utc < $end
    ) as seen
) as ranked
where ranked.place <= 2600
order by ranked.workspace_id, ranked.bucket_utc
