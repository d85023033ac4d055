-- Let the next sequence number be above this one.
-- params:  last_seq (integer)
update sqlite_sequence set seq = $last_seq where name = 'batches'
