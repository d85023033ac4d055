-- Hashed ids that more than one row of the file has.
-- columns: id_hash
select id_hash from seen_ids group by id_hash having count(*) > 1 order by id_hash
