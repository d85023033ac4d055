-- The statements that take longest on average, slowest first.
-- names:   statements_schema
-- params:  slow_ms (double)
-- columns: statement (without its constants), calls, mean_ms, total_ms, rows_per_call
select left(regexp_replace(s.query, '\s+', ' ', 'g'), 300) as statement, s.calls,
       s.mean_exec_time as mean_ms, s.total_exec_time as total_ms,
       (s.rows::double precision / nullif(s.calls, 0)) as rows_per_call
from {statements_schema}.pg_stat_statements as s
where s.mean_exec_time > $slow_ms and s.calls > 0
order by s.mean_exec_time desc, s.queryid
limit 10
