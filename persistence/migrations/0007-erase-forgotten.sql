-- What is forgotten is erased from the journal as well (docs/adr/0015-forgetting-erases.md). The row of a memory names by its
-- seq the event that wrote it: whatever removes or replaces the row takes the content out of that event, in the same
-- transaction. Here and not in the append: it costs an append that forgets nothing nothing at all, and holds for nodes of an
-- older version too, while a cluster is brought up to date.
create function erased_memory(data jsonb) returns jsonb language sql immutable as $$
  select data || jsonb_build_object('erased', true, 'contentHash', '',
    'memory', (data -> 'memory') || '{"text": "", "value": null, "tags": []}')
$$;

create function erase_memory_of_row() returns trigger language plpgsql as $$
begin
  update events set data = erased_memory(data)
  where address = old.address and seq = old.seq and kind = 'MemoryRemembered';
  return null;
end
$$;

-- An update of the vector alone names no seq, and erases nothing.
create trigger memories_erase after delete or update of seq on memories
  for each row execute function erase_memory_of_row();

-- What was forgotten before. The range is that of the primary key: events of sessions are not read.
update events e set data = erased_memory(e.data)
where e.address >= 'memory:' and e.address < 'memory;' and e.kind = 'MemoryRemembered'
  and not exists (select from memories m where m.address = e.address and m.seq = e.seq);
