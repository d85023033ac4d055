-- Accepted batches on their way into the event store. A sequence number is never used twice.
create table batches (
    batch_seq integer primary key autoincrement,
    kind text not null,
    rows_in integer not null,
    checksum text not null,
    payload blob not null
);
-- What had been accepted when batches were last deleted here, to hold against the event store.
create table anchors (
    kind text primary key,
    last_seq integer not null,
    batches integer not null,
    rows_kept integer not null,
    checksum text not null
);
