-- The first and the last noted hour; no row without any.
-- columns: first_utc, last_utc
select min(h.hour_utc) as first_utc, max(h.hour_utc) as last_utc from session_hours as h
having count(*) > 0
