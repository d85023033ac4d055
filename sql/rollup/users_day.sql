-- Fill users_day for a span of whole days: the smallest user hashes of each day, by workspace and,
-- under the empty name, of all workspaces together.
-- params:  start, end (timestamp), sketch_size (bigint)
insert into users_day (bucket_utc, workspace_id, user_hash)
select ranked.bucket_utc, ranked.workspace_id, ranked.user_hash
from (
    select seen.bucket_utc, seen.workspace_id, seen.user_hash,
           row_number() over (partition by seen.bucket_utc, seen.workspace_id
                              order by seen.user_hash) as position
    from (
        select distinct bucket(86400, h.bucket_utc) as bucket_utc, h.workspace_id, h.user_hash
        from users_hour as h
        where h.bucket_utc >= $start and h.bucket_utc < $end
    ) as seen
) as ranked
where ranked.position <= $sketch_size
order by ranked.workspace_id, ranked.bucket_utc
