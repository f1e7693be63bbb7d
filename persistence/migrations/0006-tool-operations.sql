-- Tools switched off and on by operators: every change, the newest of a tool and a tenant stands ('*': all tenants).
create table tool_switches (
  position bigint generated always as identity primary key,
  tool text not null,
  tenant text not null,
  enabled boolean not null,
  changed_by text not null,
  why text not null,
  at timestamptz not null
);
create index tool_switches_by_name on tool_switches (tool, tenant, position);

-- The requeue list is read from the journal. Seldom met, so that an append pays only for looking at the event's kind.
create index events_denied on events (at desc, address)
  where kind = 'InvocationFinished' and (data -> 'outcome' -> 'decision' ->> 'allow') = 'false';

-- What operators decided of denied calls. Not done: it is still to be carried out.
create table requeue_resolutions (
  address text primary key,
  action text not null,
  resolved_by text not null,
  why text not null,
  at timestamptz not null,
  done boolean not null
);
