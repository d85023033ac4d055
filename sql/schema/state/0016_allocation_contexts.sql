-- What routes earned by context, for allocations that go by the request's features; one row for the
-- shares of the same version.
create table allocation_contexts (
    policy_id varchar(64) not null,
    version integer not null,
    experiences_json text not null,
    primary key (policy_id, version)
);
