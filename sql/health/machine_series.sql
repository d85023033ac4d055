-- A machine's metrics over time: mean and highest value of each bucket.
-- params:  start, end (timestamp), width_s (bigint), instance (text), is_demo (bigint, 0 or 1)
-- columns: bucket_start_utc, metric, mean_value, highest_value
select bucket($width_s, s.at_utc) as bucket_start_utc, s.metric, avg(s.value) as mean_value,
       max(s.value) as highest_value
from metric_samples as s
where s.at_utc >= $start and s.at_utc < $end and s.instance = $instance
  and case when s.source = 'demo' then 1 else 0 end = $is_demo
group by bucket($width_s, s.at_utc), s.metric
order by bucket_start_utc, s.metric
