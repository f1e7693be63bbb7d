-- Processes of the cluster, one row each, renewed by heartbeat. A slot is a number that is held by an
-- advisory lock of the process's own connection: the lock tells a dead process at once, the expiry a frozen one.
drop table nodes;
create table nodes (
  id text primary key,
  name text not null,
  slot integer not null,
  roles text[] not null,
  weight integer not null,
  url text not null,
  state text not null,
  started_at timestamptz not null,
  renewed_at timestamptz not null,
  expires_at timestamptz not null,
  detail jsonb not null
);

-- Where reading a log goes on after a takeover (I5): the lowest offset not yet settled, by topic and partition. For
-- conversation.outbound it is a time (epoch milliseconds): events older than it are published.
create table log_offsets (
  topic text not null,
  partition integer not null,
  watermark bigint not null,
  primary key (topic, partition)
);

-- Rows come in the order of time: what a takeover must publish again is a range of blocks.
create index events_by_time on events using brin (at);

-- Reports of failover drills.
create table drills (
  id text primary key,
  name text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  passed boolean not null,
  report jsonb not null
);
create index drills_by_time on drills (started_at);

-- Which shards this server keeps when the journal is spread over several (SOMA_JOURNALS). One row; '' keeps all.
create table placement (
  one boolean primary key default true check (one),
  shards text not null
);

-- Tells this installation's cache entries from those of another that shares its Redis: session ids are derived from names,
-- so two installations may have the same.
create table installation (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid()
);
insert into installation default values;
