-- Fill latency_minute for a span from the requests themselves.
-- params:  start, end (timestamp)
insert into latency_minute (bucket_utc, latency_bucket, requests)
select bucket(60, r.at_utc) as bucket_utc, latency_bucket(r.latency_ms) as latency_bucket,
       count(*) as requests
from requests as r
where r.at_utc >= $start and r.at_utc < $end and r.latency_ms is not null
group by bucket(60, r.at_utc), latency_bucket(r.latency_ms)
