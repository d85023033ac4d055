-- Latency sketch per hour of all workspaces and agents together, for long lines.
create table latency_hour_total (
    bucket_utc timestamp not null,
    latency_bucket integer not null,
    requests bigint not null
);
insert into latency_hour_total (bucket_utc, latency_bucket, requests)
select h.bucket_utc, h.latency_bucket, sum(h.requests)::bigint
from latency_hour as h
group by h.bucket_utc, h.latency_bucket
order by h.bucket_utc, h.latency_bucket;
