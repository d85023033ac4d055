-- The catalogue of models as people set it; prices may come from the price book.
create table catalogue_models (
    provider varchar(128) not null,
    model varchar(256) not null,
    body_json text not null,
    changed_at_utc timestamp not null,
    primary key (provider, model)
);
-- Learned routers: versions that are added and never changed but for their status (active, retired,
-- refused). weights_base64 holds plain arrays, sha256 is of their bytes.
create table router_versions (
    version integer primary key,
    status varchar(16) not null,
    trained_on integer not null,
    models_json text not null,
    gate_json text not null,
    weights_base64 text not null,
    sha256 varchar(64) not null,
    person varchar(128) not null,
    created_at_utc timestamp not null
);
