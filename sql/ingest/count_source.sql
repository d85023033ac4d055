-- Rows of a kind that a source brought.
-- names:   kind (a table of brain.events)
-- params:  source (text)
-- columns: rows_there
select count(*) as rows_there from {kind} where source = $source
