-- Add incoming events whose ids are known to be new and distinct.
-- names:   kind (a table of brain.events), columns (its fields)
insert into {kind} ({columns}, batch_seq, user_hash)
select {columns}, batch_seq, hash60(user_id) from incoming
