-- Ids that follow from what rows say, so that the same row has the same id in every import.
-- names:   columns (columns of the incoming rows, none of them null)
-- params:  salt (text)
-- columns: event_id
select 'imp-' || substr(md5(concat_ws(chr(31), $salt, {columns})), 1, 24) as event_id
from incoming
