-- Remove the events of a source.
-- names:   kind (a table of brain.events)
-- params:  source (text)
delete from {kind} where source = $source
