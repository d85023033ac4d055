-- Keep this database off all other files and networks.
set enable_external_access = false
