import type { Sql } from './sql.ts'

/**
 * The schema as the catalogue knows it, in a form that is equal on PGlite and on every Postgres version we support (pg_dump
 * is neither). persistence/schema.sql is this text; a spec compares, so that nobody has to add up the migrations.
 * Of a view only the columns are told: versions word its query differently. Of a function only its head.
 */
export async function dumpSchema(sql: Sql): Promise<string> {
  const rows = await sql.query<{ line: string }>(`
    with relations as (
      select c.oid, c.relname, c.relkind from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and c.relname <> 'schema_migrations'
    ), lines as (
      select r.relname, 0 as part, 0 as place, '' as name,
        case r.relkind when 'r' then 'table ' else 'view ' end || r.relname as line
      from relations r
      union all
      select r.relname, 1, a.attnum, '', '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity = 'a' then ' generated always as identity' else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
      from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
      union all
      select r.relname, 2, 0, c.conname, '  constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
      from relations r join pg_constraint c on c.conrelid = r.oid and c.contype <> 'n'
      union all
      select r.relname, 3, 0, i.relname, '  ' || lower(left(pg_get_indexdef(x.indexrelid), 6)) || substr(pg_get_indexdef(x.indexrelid), 7)
      from relations r join pg_index x on x.indrelid = r.oid join pg_class i on i.oid = x.indexrelid
      where not exists (select from pg_constraint c where c.conindid = x.indexrelid)
      union all
      select r.relname, 4, 0, t.tgname, '  ' || lower(left(pg_get_triggerdef(t.oid), 6)) || substr(pg_get_triggerdef(t.oid), 7)
      from relations r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
      union all
      select 'function ' || p.proname, 0, 0, '', 'function ' || p.proname || '(' || pg_get_function_arguments(p.oid)
        || ') returns ' || pg_get_function_result(p.oid)
      from pg_proc p where p.pronamespace = 'public'::regnamespace
    )
    select line from lines order by relname collate "C", part, place, name collate "C"`)
  return `${rows.map((row) => row.line).join('\n')}\n`
}
