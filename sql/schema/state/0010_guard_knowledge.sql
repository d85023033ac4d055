-- What the guard does in a workspace that does not go by the delivered policy.
create table guard_policies (
    workspace_id varchar(128) primary key,
    pii varchar(16) not null,
    injection varchar(16) not null,
    toxicity varchar(16) not null,
    kinds varchar(2000) not null,
    changed_at_utc timestamp not null,
    person varchar(128) not null
);
-- Documents that questions are answered from. The text is whole: passages and the index follow
-- from it. version is the workspace's knowledge version at which the document last changed; a
-- deleted one stays without being found until it is purged.
create table knowledge_documents (
    document_id varchar(64) primary key,
    workspace_id varchar(128) not null,
    name varchar(256) not null,
    media_type varchar(64) not null,
    size_bytes bigint not null,
    chunks integer not null,
    content text not null,
    content_hash varchar(64) not null,
    version bigint not null,
    created_at_utc timestamp not null,
    updated_at_utc timestamp not null,
    deleted_at_utc timestamp,
    is_demo boolean not null default false
);
create index knowledge_documents_changes on knowledge_documents (workspace_id, version);
create index knowledge_documents_names on knowledge_documents (workspace_id, name);
-- Counts up with every change to a workspace's documents; part of the key of cached answers.
create table knowledge_versions (
    workspace_id varchar(128) primary key,
    version bigint not null,
    changed_at_utc timestamp not null
);
