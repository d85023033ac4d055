-- Where a store keeps the number of its schema.
create table if not exists schema_version (version integer not null)
