-- What a session holds, counted while nobody else can save into it: the lock ends with the statement that calls this, so that
-- saves side by side are counted one after another. It is a function because of its second statement: that one sees what was
-- committed while the first waited, which no part of a single statement does.
create function attachments_held(of_session uuid, of_tenant text) returns table (count float8, bytes float8)
language sql volatile as $$
  select pg_advisory_xact_lock(7160144, hashtext(of_session::text));
  select count(*)::float8, coalesce(sum(size), 0)::float8 from attachments
  where session_id = of_session and tenant = of_tenant;
$$;
