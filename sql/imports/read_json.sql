-- Fields of JSON lines as text.
-- params:  paths (text[])
-- columns: is_object, found (one text per path)
select
    case when json_valid(line_text) then json_type(line_text) = 'OBJECT' else false end
        as is_object,
    case when json_valid(line_text) then json_extract_string(line_text, $paths) end as found
from incoming
