-- What is configured and promised. Times are UTC. Money is exact decimal text.
create table workspaces (
    workspace_id varchar(128) primary key,
    name varchar(256) not null,
    plan varchar(32) not null default 'free',
    status varchar(32) not null default 'active',
    is_demo boolean not null default false,
    created_at_utc timestamp not null
);
-- A price is dated and never overwritten: a change appends a row. The highest price_id wins
-- where two rows of one origin overlap; a contract wins over a list price.
create table prices (
    price_id integer primary key,
    provider varchar(128) not null,
    model varchar(256) not null,
    origin varchar(16) not null,
    source varchar(256) not null,
    valid_from_utc timestamp not null,
    valid_to_utc timestamp not null,
    tier_from_tokens bigint not null default 0,
    input_usd_per_mtok varchar(32),
    cache_read_usd_per_mtok varchar(32),
    cache_write_usd_per_mtok varchar(32),
    output_usd_per_mtok varchar(32),
    request_usd varchar(32),
    withdrawn boolean not null default false,
    recorded_at_utc timestamp not null,
    recorded_by varchar(128) not null
);
create table targets (
    metric varchar(128) primary key,
    target varchar(32),
    warning varchar(32),
    critical varchar(32),
    changed_at_utc timestamp not null
);
create table annotations (
    annotation_id varchar(64) primary key,
    at_utc timestamp not null,
    end_utc timestamp,
    kind varchar(32) not null,
    workspace_id varchar(128) not null default '',
    text varchar(2000) not null,
    is_demo boolean not null default false
);
create table console_feedback (
    feedback_id varchar(64) primary key,
    at_utc timestamp not null,
    page varchar(128) not null,
    stars integer not null,
    comment varchar(5000) not null,
    person varchar(128) not null
);
create table imports (
    import_id varchar(64) primary key,
    file_name varchar(512) not null,
    file_sha256 varchar(64) not null,
    format varchar(64) not null,
    options_json varchar(20000) not null,
    status varchar(32) not null,
    rows_read bigint not null default 0,
    rows_kept bigint not null default 0,
    rows_repeated bigint not null default 0,
    rows_rejected bigint not null default 0,
    first_at_utc timestamp,
    last_at_utc timestamp,
    message varchar(4000) not null default '',
    started_at_utc timestamp not null,
    finished_at_utc timestamp
);
create table demo_state (
    demo_id varchar(64) primary key,
    seed bigint not null,
    first_at_utc timestamp not null,
    last_at_utc timestamp not null,
    effects_json varchar(100000) not null,
    written_at_utc timestamp not null
);
-- The accepted batches as the spool's side counted them, to hold against the event store.
create table anchors (
    kind varchar(64) primary key,
    batches bigint not null,
    rows_kept bigint not null,
    checksum varchar(64) not null
);
create table audit (
    audit_id integer primary key,
    at_utc timestamp not null,
    person varchar(128) not null,
    action varchar(128) not null,
    subject varchar(512) not null,
    before_json varchar(100000) not null,
    after_json varchar(100000) not null,
    previous_hash varchar(64) not null,
    entry_hash varchar(64) not null
);
