-- Note what the event store had accepted of a kind.
-- params:  kind, last_seq (integer), batches (integer), rows_kept (integer), checksum
insert into anchors (kind, last_seq, batches, rows_kept, checksum)
values ($kind, $last_seq, $batches, $rows_kept, $checksum)
on conflict (kind) do update set
    last_seq = excluded.last_seq, batches = excluded.batches,
    rows_kept = excluded.rows_kept, checksum = excluded.checksum
