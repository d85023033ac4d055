-- Note that a migration is done.
-- params:  version (integer)
insert into schema_version (version) values ($version)
