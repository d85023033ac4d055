-- Accept a batch.
-- params:  kind, rows_in (integer), checksum, payload (blob)
insert into batches (kind, rows_in, checksum, payload)
values ($kind, $rows_in, $checksum, $payload)
