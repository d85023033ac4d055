-- Remember the ids of incoming rows.
insert into seen_ids (id_hash) select hash(event_id) from incoming
