-- Client connections of the whole server by state; "not visible" where the right is missing.
-- columns: state, connections (count), longest_s (of the present statement or transaction)
select coalesce(a.state, case when a.backend_type is null then 'not visible' else 'starting' end)
           as state,
       count(*)::bigint as connections,
       max(extract(epoch from now() - case when a.state = 'active' then a.query_start
                                           else a.xact_start end))::double precision as longest_s
from pg_stat_activity as a
where a.backend_type = 'client backend' or a.backend_type is null
group by coalesce(a.state, case when a.backend_type is null then 'not visible' else 'starting' end)
order by connections desc, state
