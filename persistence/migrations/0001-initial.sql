-- Nodes and the shards they own. An append takes a share lock on its shard's row and compares epochs (I2).
create table nodes (
  id text primary key,
  expires_at timestamptz not null,
  detail jsonb not null
);

create table shards (
  kind text not null,
  shard integer not null,
  owner text not null,
  epoch bigint not null,
  primary key (kind, shard)
);

-- The journal. One row per address that ever appended; its seq is the head.
-- Addresses compare byte by byte ("C"): faster, and what belongs to one session is a range of the key.
create table actors (
  address text collate "C" primary key,
  kind text not null,
  shard integer not null,
  seq bigint not null,
  unfinished boolean not null
);
create index actors_unfinished on actors (kind, shard) where unfinished;

create table events (
  address text collate "C" not null,
  seq bigint not null,
  envelope_id text not null,
  kind text not null,
  version integer not null,
  at timestamptz not null,
  data jsonb not null,
  primary key (address, seq)
);

-- Envelopes already applied (I3). Kept when an address is erased, so that nothing is applied again.
create table inbox (
  address text collate "C" not null,
  envelope_id text not null,
  at timestamptz not null default now(),
  primary key (address, envelope_id)
);
-- Rows come in the order of time, so a range of blocks tells their age for next to nothing.
create index inbox_by_age on inbox using brin (at);

-- Envelopes to be sent, written with the events that caused them (I4); kind and shard are the sender's.
create table outbox (
  position bigint generated always as identity,
  envelope_id text primary key,
  address text not null,
  kind text not null,
  shard integer not null,
  envelope jsonb not null
);
create index outbox_by_shard on outbox (kind, shard, position);

-- The in-process mailbox: rows at or above the shard's watermark are not settled yet (I5).
create table mailbox (
  kind text not null,
  shard integer not null,
  position bigint not null,
  envelope jsonb not null,
  primary key (kind, shard, position)
);

create table offsets (
  kind text not null,
  shard integer not null,
  watermark bigint not null,
  primary key (kind, shard)
);

-- Columns of the old stack, and title and state.
create table session_envelopes (
  session_id uuid primary key,
  persona_id text,
  tenant text not null,
  subject text,
  issuer text,
  scope text,
  metadata jsonb not null default '{}',
  analysis jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  title text,
  state text not null
);
create index session_envelopes_by_tenant on session_envelopes (tenant, updated_at desc, session_id desc);

-- What readers of the old stack select from.
create view session_events (id, session_id, occurred_at, payload) as
  select substr(e.address, 9) || '/' || e.seq, substr(e.address, 9), e.at, e.data
  from events e
  where e.address like 'session:%';

create table usage (
  tenant text not null,
  day text not null,
  persona_id text not null,
  tokens bigint not null,
  cost_micros bigint not null,
  primary key (tenant, day, persona_id)
);

create table idempotency_keys (
  tenant text not null,
  key text not null,
  fingerprint text not null,
  answer jsonb not null,
  at timestamptz not null,
  primary key (tenant, key)
);
create index idempotency_keys_by_age on idempotency_keys (at);

-- What could not be handled, with its cause (I8).
create table dead_letters (
  position bigint generated always as identity,
  id text primary key,
  tenant text not null,
  address text not null,
  envelope_id text not null,
  envelope jsonb not null,
  source text not null,
  code text not null,
  detail text not null,
  retries integer not null,
  at timestamptz not null,
  unique (envelope_id, code)
);
create index dead_letters_by_tenant on dead_letters (tenant, position);

create table quarantine (
  address text primary key,
  tenant text not null,
  code text not null,
  detail text not null,
  suspect jsonb,
  since timestamptz not null
);

create table quarantine_held (
  address text not null,
  envelope_id text not null,
  position bigint generated always as identity,
  envelope jsonb not null,
  primary key (address, envelope_id)
);
