-- Make text times without a zone mean UTC, and keep this database off files and networks.
set TimeZone = 'UTC';
set enable_external_access = false
