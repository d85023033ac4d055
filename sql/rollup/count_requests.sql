-- Requests of each hour of a span; hours without any have no row.
-- params:  start, end (timestamp)
-- columns: hour_utc, requests (count)
select bucket(3600, r.at_utc) as hour_utc, count(*) as requests
from requests as r
where r.at_utc >= $start and r.at_utc < $end
group by bucket(3600, r.at_utc)
order by hour_utc
