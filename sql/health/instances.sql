-- Machines that sent a metric in a span, this one first, then by name.
-- params:  start, end (timestamp), metric (text)
-- columns: instance, is_demo (0 or 1), is_host (0 or 1: measured by this program), samples (count),
--          first_at_utc, last_at_utc
select s.instance, case when s.source = 'demo' then 1 else 0 end as is_demo,
       max(case when s.source = 'host' then 1 else 0 end) as is_host,
       count(*)::bigint as samples, min(s.at_utc) as first_at_utc, max(s.at_utc) as last_at_utc
from metric_samples as s
where s.at_utc >= $start and s.at_utc < $end and s.metric = $metric
group by s.instance, case when s.source = 'demo' then 1 else 0 end
order by is_demo, is_host desc, s.instance
limit 200
