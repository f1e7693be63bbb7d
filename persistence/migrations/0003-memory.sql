-- The live memories: the state of the memory shards, written by the appends that journal the changes. Derived columns:
-- embedding and embedding_model, filled in later, lost without loss.
create table memories (
  address text collate "C" not null,
  key text collate "C" not null,
  shard integer not null,
  tenant text collate "C" not null,
  namespace text collate "C" not null,
  universe text not null,
  session_id text,
  persona_id text,
  text text not null,
  value jsonb not null,
  tags text[] not null,
  importance double precision not null,
  content_hash text not null,
  seq bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  embedding bytea,
  embedding_model text,
  primary key (address, key)
);
-- Lists of a tenant, and of one of its namespaces, newest first.
create index memories_of_tenant on memories (tenant, updated_at desc, namespace desc, key desc);
create index memories_of_namespace on memories (tenant, namespace, updated_at desc, key desc);
create index memories_by_content on memories (tenant, namespace, content_hash);
-- What a shard has to do is found without looking through what it has done.
create index memories_over on memories (shard, expires_at) where expires_at is not null;
create index memories_unembedded on memories (shard) where embedding is null;
