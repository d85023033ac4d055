-- Requests of a span over time, from whole minutes and at its edges from events.
-- params:  width_s (bigint), start, minute_start, minute_end, end (timestamp)
-- columns: bucket_start_utc, requests (count)
with pieces as (
    select m.bucket_utc as moment_utc, m.requests as asked
    from usage_minute as m
    where m.bucket_utc >= $minute_start and m.bucket_utc < $minute_end
    union all
    select r.at_utc as moment_utc, 1 as asked
    from requests as r
    where (r.at_utc >= $start and r.at_utc < $minute_start)
       or (r.at_utc >= $minute_end and r.at_utc < $end)
)
select bucket($width_s, p.moment_utc) as bucket_start_utc, sum(p.asked)::bigint as requests
from pieces as p
group by bucket_start_utc
order by bucket_start_utc
