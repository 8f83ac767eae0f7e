/** What a plugin has in its schema, as statements that make it again. */
import { WorkError } from '../backend/backend.js';
import type { Connection } from './pg-client.js';

/** A table. */
export interface Table {
  readonly name: string;
  /** Its columns that hold data, in order. */
  readonly columns: readonly string[];
}

/** A schema. The statements name nothing of its own name, so that it can be made in another one. */
export interface Description {
  /** Types and sequences. */
  readonly first: readonly string[];
  /** Functions, which may need tables, and tables, which may need functions. */
  readonly functions: readonly string[];
  readonly creations: readonly string[];
  readonly tables: readonly Table[];
  /** What comes once the rows are there: keys, indexes, views, triggers. */
  readonly last: readonly string[];
  /** Values of sequences: name, last value, whether it was given out. */
  readonly sequences: readonly (readonly [string, string, boolean])[];
}

const SCHEMA = `(select oid from pg_namespace where nspname = session_user)`;
const OWN = `refclassid = 'pg_authid'::regclass and deptype = 'o'
  and refobjid = (select oid from pg_roles where rolname = session_user)
  and dbid = (select oid from pg_database where datname = current_database())`;

/** What has no statement here. */
const OTHERS = `select pg_describe_object(classid, objid, 0) from pg_shdepend where ${OWN} and not (
    (classid = 'pg_class'::regclass and exists (select 1 from pg_class c where c.oid = objid
      and c.relkind in ('r', 'v', 'm', 'S') and not c.relispartition and not c.relrowsecurity
      and not exists (select 1 from pg_inherits i where i.inhrelid = c.oid)))
    or (classid = 'pg_proc'::regclass and exists (select 1 from pg_proc p where p.oid = objid
      and p.prokind in ('f', 'p')))
    or (classid = 'pg_type'::regclass and exists (select 1 from pg_type t where t.oid = objid
      and t.typtype = 'e')))
  union all select 'the rule ' || rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class
    where c.relnamespace = ${SCHEMA} and rulename <> '_RETURN'
  limit 1`;

const TYPES = `select format('create type %I as enum (%s)', typname,
    (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum
      where enumtypid = t.oid))
  from pg_type t where typnamespace = ${SCHEMA} and typtype = 'e' order by t.oid`;

const OPTIONS = `format('increment %s minvalue %s maxvalue %s start %s cache %s%s', s.seqincrement, s.seqmin,
  s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' else '' end)`;

/** Whether it is the sequence of an identity column, which comes and goes with its table. */
const IDENTITY = `exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
  and d.deptype = 'i' and d.refclassid = 'pg_class'::regclass)`;

const SEQUENCES = `select format('create sequence %I as %s %s', c.relname, format_type(s.seqtypid, null), ${OPTIONS})
  from pg_class c join pg_sequence s on s.seqrelid = c.oid
  where c.relnamespace = ${SCHEMA} and not ${IDENTITY} order by c.oid`;

const FUNCTIONS = `select pg_get_functiondef(oid) from pg_proc
  where pronamespace = ${SCHEMA} and prokind in ('f', 'p') order by proname, pg_get_function_identity_arguments(oid)`;

const TABLES = `select format('create %stable %I (%s)', case c.relpersistence when 'u' then 'unlogged ' else '' end,
    c.relname, coalesce(string_agg(format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> t.typcollation then format(' collate %s', a.attcollation::regcollation) else '' end,
      case when a.attgenerated = 's' then format(' generated always as (%s) stored', pg_get_expr(e.adbin, e.adrelid))
        when a.attidentity <> '' then format(' generated %s as identity (sequence name %I %s)',
          case a.attidentity when 'a' then 'always' else 'by default' end, q.relname, ${OPTIONS})
        when e.adbin is not null then format(' default %s', pg_get_expr(e.adbin, e.adrelid)) else '' end,
      case when a.attnotnull then ' not null' else '' end), ', ' order by a.attnum), '')),
    c.relname, coalesce(json_agg(a.attname order by a.attnum)
      filter (where a.attgenerated = '' and a.attname is not null), '[]')::text
  from pg_class c
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_type t on t.oid = a.atttypid
    left join pg_attrdef e on e.adrelid = c.oid and e.adnum = a.attnum
    left join pg_depend d on a.attidentity <> '' and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
      and d.refobjsubid = a.attnum and d.classid = 'pg_class'::regclass and d.deptype = 'i'
    left join pg_sequence s on s.seqrelid = d.objid left join pg_class q on q.oid = d.objid
  where c.relnamespace = ${SCHEMA} and c.relkind = 'r' group by c.oid, c.relname, c.relpersistence order by c.oid`;

/** The keys of a table, those to other tables last. */
export const CONSTRAINTS = `select format('alter table only %I add constraint %I %s', c.relname, conname,
    pg_get_constraintdef(k.oid)), contype = 'f', c.relname, conname
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where c.relnamespace = ${SCHEMA} and c.relkind = 'r' and contype in ('p', 'u', 'x', 'c', 'f')
  order by contype = 'f', k.oid`;

const OWNED = `select format('alter sequence %I owned by %I.%I', c.relname, r.relname, a.attname)
  from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S' join pg_class r on r.oid = d.refobjid
    join pg_attribute a on a.attrelid = r.oid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'
    and c.relnamespace = ${SCHEMA} order by c.oid`;

const VIEWS = `select format('create %sview %I as %s', case relkind when 'm' then 'materialized ' else '' end,
    relname, pg_get_viewdef(oid))
  from pg_class where relnamespace = ${SCHEMA} and relkind in ('v', 'm')
    and pg_get_userbyid(relowner) = session_user order by oid`;

const INDEXES = `select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid
  where c.relnamespace = ${SCHEMA} and c.relkind in ('r', 'm')
    and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
  order by i.indexrelid`;

const TRIGGERS = `select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = ${SCHEMA} and not t.tgisinternal order by t.oid`;

const VALUES = `select relname from pg_class where relnamespace = ${SCHEMA} and relkind = 'S' order by relname`;

/** What is dropped before a restore. */
export const DROPS = `select format('drop %s if exists %I cascade', case relkind when 'v' then 'view'
    when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end, relname)
  from pg_class c where relnamespace = ${SCHEMA} and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and pg_get_userbyid(relowner) = session_user and not (relkind = 'S' and ${IDENTITY})
  union all select format('drop routine if exists %s cascade', oid::regprocedure) from pg_proc
    where pronamespace = ${SCHEMA} and pg_get_userbyid(proowner) = session_user
  union all select format('drop type if exists %I cascade', typname) from pg_type t
    where typnamespace = ${SCHEMA} and pg_get_userbyid(typowner) = session_user and (typtype in ('e', 'd', 'r')
      or exists (select 1 from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))`;

/** Describes the schema of a connection's role. @throws WorkError `invalid` for what it can't describe. */
export async function describe(connection: Connection, role: string): Promise<Description> {
  const rows = async (text: string) => (await connection.query(text)).rows;
  const texts = async (text: string) =>
    (await rows(text)).map(([sql]) => String(sql).replaceAll(`${role}.`, ''));
  const [other] = await rows(OTHERS);
  if (other !== undefined)
    throw new WorkError('invalid', `it has ${other[0]}, which a backup can't hold: use pg_dump`);
  const tables = (await rows(TABLES)).map(([sql, name, columns]) => ({
    sql: String(sql).replaceAll(`${role}.`, ''),
    name: String(name),
    columns: JSON.parse(String(columns)) as readonly string[],
  }));
  const sequences: [string, string, boolean][] = [];
  for (const [name] of await rows(VALUES)) {
    const [row] = await rows(`select last_value::text, is_called from ${quoted(String(name))}`);
    sequences.push([String(name), String(row?.[0]), row?.[1] === 1]);
  }
  return {
    first: [...(await texts(TYPES)), ...(await texts(SEQUENCES))],
    functions: await texts(FUNCTIONS),
    creations: tables.map(({ sql }) => sql),
    tables: tables.map(({ name, columns }) => ({ name, columns })),
    last: [
      ...(await texts(OWNED)),
      ...(await texts(CONSTRAINTS)),
      ...(await texts(VIEWS)),
      ...(await texts(INDEXES)),
      ...(await texts(TRIGGERS)),
    ],
    sequences,
  };
}

/** A name as SQL has it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
