-- Vectors of documents' passages as an embedding endpoint made them: float32, little-endian, unit
-- length, all passages of a document in order, in base64. text_hash says of which text they are.
create table knowledge_vectors (
    document_id varchar(64) not null,
    model varchar(200) not null,
    text_hash varchar(64) not null,
    workspace_id varchar(128) not null,
    passages integer not null,
    vectors text not null,
    made_at_utc timestamp not null,
    primary key (document_id, model)
);
create index knowledge_vectors_workspaces on knowledge_vectors (workspace_id, model);
