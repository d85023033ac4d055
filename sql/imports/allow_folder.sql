-- Let this database read the files of one folder.
-- params:  folder (text)
set allowed_directories = [$folder]
