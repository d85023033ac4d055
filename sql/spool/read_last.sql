-- The last sequence number that was given.
-- columns: last_seq
select coalesce(max(seq), 0) as last_seq from sqlite_sequence where name = 'batches'
