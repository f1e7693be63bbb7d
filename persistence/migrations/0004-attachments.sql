-- Files of sessions. A row is written when all its bytes are there, so what is visible is whole.
create table attachments (
  id uuid primary key,
  tenant text not null,
  session_id uuid not null,
  filename text not null,
  mime text not null,
  source text not null,
  size bigint not null,
  sha256 text not null,
  status text not null,
  quarantine_reason text,
  decided_by text,
  created_at timestamptz not null,
  content uuid not null
);
create index attachments_by_session on attachments (session_id, created_at, id);
create index attachments_by_tenant on attachments (tenant, created_at, id);
create unique index attachments_by_content on attachments (content);

-- Their bytes, in pieces of 256 KB. Pieces that no row of attachments names are of a save that has not ended, or never will.
create table attachment_chunks (
  content uuid not null,
  n integer not null,
  at timestamptz not null,
  bytes bytea not null,
  primary key (content, n)
);
-- Files are mostly compressed already.
alter table attachment_chunks alter column bytes set storage external;
create index attachment_chunks_begun on attachment_chunks (at) where n = 0;
