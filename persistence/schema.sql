-- What all migrations together make, as persistence/schema-dump.ts tells it. Written by
--   SOMA_WRITE_SCHEMA=1 npm test
table actors
  address text not null
  kind text not null
  shard integer not null
  seq bigint not null
  unfinished boolean not null
  constraint actors_pkey PRIMARY KEY (address)
  create INDEX actors_unfinished ON public.actors USING btree (kind, shard) WHERE unfinished
table attachment_chunks
  content uuid not null
  n integer not null
  at timestamp with time zone not null
  bytes bytea not null
  constraint attachment_chunks_pkey PRIMARY KEY (content, n)
  create INDEX attachment_chunks_begun ON public.attachment_chunks USING btree (at) WHERE (n = 0)
table attachments
  id uuid not null
  tenant text not null
  session_id uuid not null
  filename text not null
  mime text not null
  source text not null
  size bigint not null
  sha256 text not null
  status text not null
  quarantine_reason text
  decided_by text
  created_at timestamp with time zone not null
  content uuid not null
  constraint attachments_pkey PRIMARY KEY (id)
  create INDEX attachments_by_content ON public.attachments USING btree (content)
  create INDEX attachments_by_hash ON public.attachments USING btree (tenant, sha256)
  create INDEX attachments_by_session ON public.attachments USING btree (session_id, created_at, id)
  create INDEX attachments_by_tenant ON public.attachments USING btree (tenant, created_at, id)
table dead_letters
  position bigint not null generated always as identity
  id text not null
  tenant text not null
  address text not null
  envelope_id text not null
  envelope jsonb not null
  source text not null
  code text not null
  detail text not null
  retries integer not null
  at timestamp with time zone not null
  constraint dead_letters_envelope_id_code_key UNIQUE (envelope_id, code)
  constraint dead_letters_pkey PRIMARY KEY (id)
  create INDEX dead_letters_by_tenant ON public.dead_letters USING btree (tenant, "position")
table drills
  id text not null
  name text not null
  started_at timestamp with time zone not null
  finished_at timestamp with time zone not null
  passed boolean not null
  report jsonb not null
  constraint drills_pkey PRIMARY KEY (id)
  create INDEX drills_by_time ON public.drills USING btree (started_at)
table events
  address text not null
  seq bigint not null
  envelope_id text not null
  kind text not null
  version integer not null
  at timestamp with time zone not null
  data jsonb not null
  constraint events_pkey PRIMARY KEY (address, seq)
  create INDEX events_by_time ON public.events USING brin (at)
  create INDEX events_denied ON public.events USING btree (at DESC, address) WHERE ((kind = 'InvocationFinished'::text) AND ((((data -> 'outcome'::text) -> 'decision'::text) ->> 'allow'::text) = 'false'::text))
function attachments_held(of_session uuid, of_tenant text) returns TABLE(count double precision, bytes double precision)
function erase_memory_of_row() returns trigger
function erased_memory(data jsonb) returns jsonb
table idempotency_keys
  tenant text not null
  key text not null
  fingerprint text not null
  answer jsonb not null
  at timestamp with time zone not null
  constraint idempotency_keys_pkey PRIMARY KEY (tenant, key)
  create INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (at)
table inbox
  address text not null
  envelope_id text not null
  at timestamp with time zone not null default now()
  constraint inbox_pkey PRIMARY KEY (address, envelope_id)
  create INDEX inbox_by_age ON public.inbox USING brin (at)
table installation
  one boolean not null default true
  id uuid not null default gen_random_uuid()
  constraint installation_one_check CHECK (one)
  constraint installation_pkey PRIMARY KEY (one)
table log_offsets
  topic text not null
  partition integer not null
  watermark bigint not null
  constraint log_offsets_pkey PRIMARY KEY (topic, partition)
table mailbox
  kind text not null
  shard integer not null
  position bigint not null
  envelope jsonb not null
  constraint mailbox_pkey PRIMARY KEY (kind, shard, "position")
table memories
  address text not null
  key text not null
  shard integer not null
  tenant text not null
  namespace text not null
  universe text not null
  session_id text
  persona_id text
  text text not null
  value jsonb not null
  tags text[] not null
  importance double precision not null
  content_hash text not null
  seq bigint not null
  created_at timestamp with time zone not null
  updated_at timestamp with time zone not null
  expires_at timestamp with time zone
  embedding bytea
  embedding_model text
  constraint memories_pkey PRIMARY KEY (address, key)
  create INDEX memories_by_content ON public.memories USING btree (tenant, namespace, content_hash)
  create INDEX memories_of_namespace ON public.memories USING btree (tenant, namespace, updated_at DESC, key DESC)
  create INDEX memories_of_tenant ON public.memories USING btree (tenant, updated_at DESC, namespace DESC, key DESC)
  create INDEX memories_over ON public.memories USING btree (shard, expires_at) WHERE (expires_at IS NOT NULL)
  create INDEX memories_unembedded ON public.memories USING btree (shard) WHERE (embedding IS NULL)
  create TRIGGER memories_erase AFTER DELETE OR UPDATE OF seq ON public.memories FOR EACH ROW EXECUTE FUNCTION erase_memory_of_row()
table nodes
  id text not null
  name text not null
  slot integer not null
  roles text[] not null
  weight integer not null
  url text not null
  state text not null
  started_at timestamp with time zone not null
  renewed_at timestamp with time zone not null
  expires_at timestamp with time zone not null
  detail jsonb not null
  constraint nodes_pkey PRIMARY KEY (id)
table offsets
  kind text not null
  shard integer not null
  watermark bigint not null
  constraint offsets_pkey PRIMARY KEY (kind, shard)
table outbox
  position bigint not null generated always as identity
  envelope_id text not null
  address text not null
  kind text not null
  shard integer not null
  envelope jsonb not null
  constraint outbox_pkey PRIMARY KEY (envelope_id)
  create INDEX outbox_by_shard ON public.outbox USING btree (kind, shard, "position")
table placement
  one boolean not null default true
  shards text not null
  constraint placement_one_check CHECK (one)
  constraint placement_pkey PRIMARY KEY (one)
table quarantine
  address text not null
  tenant text not null
  code text not null
  detail text not null
  suspect jsonb
  since timestamp with time zone not null
  constraint quarantine_pkey PRIMARY KEY (address)
table quarantine_held
  address text not null
  envelope_id text not null
  position bigint not null generated always as identity
  envelope jsonb not null
  constraint quarantine_held_pkey PRIMARY KEY (address, envelope_id)
table requeue_resolutions
  address text not null
  action text not null
  resolved_by text not null
  why text not null
  at timestamp with time zone not null
  done boolean not null
  constraint requeue_resolutions_pkey PRIMARY KEY (address)
table session_envelopes
  session_id uuid not null
  persona_id text
  tenant text not null
  subject text
  issuer text
  scope text
  metadata jsonb not null default '{}'::jsonb
  analysis jsonb not null default '{}'::jsonb
  created_at timestamp with time zone not null
  updated_at timestamp with time zone not null
  title text
  state text not null
  constraint session_envelopes_pkey PRIMARY KEY (session_id)
  create INDEX session_envelopes_by_tenant ON public.session_envelopes USING btree (tenant, updated_at DESC, session_id DESC)
view session_events
  id text
  session_id text
  occurred_at timestamp with time zone
  payload jsonb
table shards
  kind text not null
  shard integer not null
  owner text not null
  epoch bigint not null
  constraint shards_pkey PRIMARY KEY (kind, shard)
table timers
  address text not null
  timer_id text not null
  kind text not null
  shard integer not null
  tenant text not null
  due timestamp with time zone not null
  constraint timers_pkey PRIMARY KEY (address, timer_id)
  create INDEX timers_by_due ON public.timers USING btree (kind, shard, due)
table tool_switches
  position bigint not null generated always as identity
  tool text not null
  tenant text not null
  enabled boolean not null
  changed_by text not null
  why text not null
  at timestamp with time zone not null
  constraint tool_switches_pkey PRIMARY KEY ("position")
  create INDEX tool_switches_by_name ON public.tool_switches USING btree (tool, tenant, "position")
table usage
  tenant text not null
  day text not null
  persona_id text not null
  tokens bigint not null
  cost_micros bigint not null
  constraint usage_pkey PRIMARY KEY (tenant, day, persona_id)
