-- Where a workspace's prompts may go: regions (comma-separated, empty is any), and whether only to
-- models whose provider promises that customers' data trains nothing.
create table data_policies (
    workspace_id varchar(128) primary key,
    regions varchar(2000) not null,
    no_training boolean not null,
    no_training_for_personal_data boolean not null,
    changed_at_utc timestamp not null,
    person varchar(128) not null
);
