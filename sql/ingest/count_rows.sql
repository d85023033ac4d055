-- Rows of a kind that are there.
-- names:   kind (a table of brain.events)
-- columns: rows_there
select count(*) as rows_there from {kind}
