-- Which month's cost report was made, by whom; a row that is being made is claimed for a while.
create table monthly_reports (
    month varchar(7) primary key,
    zone varchar(64) not null,
    status varchar(8) not null,
    claimed_until_utc timestamp not null,
    made_at_utc timestamp,
    made_by varchar(128) not null,
    total_usd varchar(64) not null
);
-- Messages to be delivered: the whole message, kept until and after it went out.
create table mails (
    mail_id varchar(64) primary key,
    created_at_utc timestamp not null,
    kind varchar(32) not null,
    reference varchar(128) not null,
    subject varchar(500) not null,
    sender varchar(320) not null,
    message text not null,
    claimed_until_utc timestamp not null,
    unique (kind, reference)
);
-- Who is to get a message, and whether they did: waiting, sent, refused.
create table mail_recipients (
    mail_id varchar(64) not null,
    address varchar(320) not null,
    status varchar(8) not null,
    attempts integer not null,
    next_try_utc timestamp not null,
    done_at_utc timestamp,
    error varchar(1000) not null,
    primary key (mail_id, address)
);
create index mail_recipients_status on mail_recipients (status, next_try_utc);
