-- Number of the schema that a store has.
-- columns: version
select coalesce(max(version), 0) as version from schema_version
