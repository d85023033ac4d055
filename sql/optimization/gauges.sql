-- Means of gauges in equal steps, over all machines, real ones or those of the demonstration.
-- params:  width_s (bigint), metrics (text list), is_demo (bigint, 0 or 1), start, end (timestamp)
-- columns: bucket_start_utc, metric, mean_value
select bucket($width_s, s.at_utc) as bucket_start_utc, s.metric, avg(s.value) as mean_value
from metric_samples as s
where s.at_utc >= $start and s.at_utc < $end and matches($metrics, s.metric)
  and case when s.source = 'demo' then 1 else 0 end = $is_demo
group by bucket($width_s, s.at_utc), s.metric
order by bucket_start_utc, s.metric
