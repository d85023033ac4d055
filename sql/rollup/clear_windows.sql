-- Empty the scratch space of the sessions at work on.
delete from session_windows where true
