-- Vectors of passages where PostgreSQL has pgvector, so that the database finds the nearest ones;
-- knowledge_vectors says of which text they are, and they go with its rows.
create extension if not exists vector;
create table pgvector_passages (
    document_id varchar(64) not null,
    model varchar(200) not null,
    position integer not null,
    workspace_id varchar(128) not null,
    embedding vector not null,
    primary key (document_id, model, position),
    foreign key (document_id, model) references knowledge_vectors (document_id, model)
        on delete cascade
);
create index pgvector_passages_workspaces on pgvector_passages (workspace_id, model);
-- In the row itself as far as a page holds it: a search reads them all.
alter table pgvector_passages alter column embedding set storage main;
