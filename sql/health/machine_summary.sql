-- What a machine's metrics were in a span: mean, highest and last value of each.
-- params:  start, end (timestamp), instance (text), is_demo (bigint, 0 or 1)
-- columns: metric, samples (count), mean_value, highest_value, last_value, last_at_utc
select ranked.metric, count(*)::bigint as samples, avg(ranked.sample_value) as mean_value,
       max(ranked.sample_value) as highest_value,
       max(case when ranked.position = 1 then ranked.sample_value end) as last_value,
       max(ranked.at_utc) as last_at_utc
from (
    select s.metric, s.value as sample_value, s.at_utc,
           row_number() over (partition by s.metric order by s.at_utc desc, s.event_id) as position
    from metric_samples as s
    where s.at_utc >= $start and s.at_utc < $end and s.instance = $instance
      and case when s.source = 'demo' then 1 else 0 end = $is_demo
) as ranked
group by ranked.metric
order by ranked.metric
