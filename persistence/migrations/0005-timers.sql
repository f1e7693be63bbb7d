-- What sessions are to be told at a time, derived from their journals and written with them. The owner of a shard looks for what
-- is due; a row goes when its session has been told, or the timer was cancelled.
create table timers (
  address text not null,
  timer_id text not null,
  kind text not null,
  shard integer not null,
  tenant text not null,
  due timestamptz not null,
  primary key (address, timer_id)
);
create index timers_by_due on timers (kind, shard, due);
