-- A table for the hashed ids of a file's rows.
create table seen_ids (id_hash ubigint not null)
