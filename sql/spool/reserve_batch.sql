-- Take a sequence number for a batch that goes straight into the event store.
-- params:  kind
insert into batches (kind, rows_in, checksum, payload) values ($kind, -1, '', '')
