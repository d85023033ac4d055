-- Empty the scratch space of the hours whose sums have changed.
delete from session_hours where true
