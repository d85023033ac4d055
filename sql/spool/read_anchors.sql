-- What the event store had accepted when batches were last deleted.
-- columns: kind, last_seq, batches, rows_kept, checksum
select kind, last_seq, batches, rows_kept, checksum from anchors order by kind
