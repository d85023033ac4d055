-- The time that the windows of the sessions at work span; no row without any.
-- columns: first_utc, last_utc
select min(w.from_utc) as first_utc, max(w.to_utc) as last_utc from session_windows as w
having count(*) > 0
