-- Fill latency_hour_total for a span from latency_hour.
-- params:  start, end (timestamp)
insert into latency_hour_total (bucket_utc, latency_bucket, requests)
select h.bucket_utc, h.latency_bucket, sum(h.requests)::bigint as found
from latency_hour as h
where h.bucket_utc >= $start and h.bucket_utc < $end
group by h.bucket_utc, h.latency_bucket
order by h.bucket_utc, h.latency_bucket
