-- Latency sketch per hour of all workspaces and agents together, for long lines.
create table latency_hour_total (
    bucket_utc DateTime64(6, 'UTC'),
    latency_bucket Int32,
    requests Int64
) engine = MergeTree order by bucket_utc;
insert into latency_hour_total (bucket_utc, latency_bucket, requests)
select h.bucket_utc, h.latency_bucket, sum(h.requests)::bigint
from latency_hour as h
group by h.bucket_utc, h.latency_bucket;
