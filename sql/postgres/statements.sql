-- Calls of all statements and of slow ones since the statistics of pg_stat_statements were reset.
-- names:   statements_schema
-- params:  slow_ms (double)
-- columns: calls, slow_calls (of statements whose mean is above slow_ms)
select coalesce(sum(s.calls), 0)::bigint as calls,
       coalesce(sum(case when s.mean_exec_time > $slow_ms then s.calls end), 0)::bigint
           as slow_calls
from {statements_schema}.pg_stat_statements as s
