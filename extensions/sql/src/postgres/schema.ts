/** What the kernel keeps in PostgreSQL for itself: the schema `plinth`, which no plugin can change. */
import { REGISTRY } from '../backend/work.js';

/** A schema and its tables. Each part can be run again. */
export const SETUP: readonly string[] = [
  'create schema if not exists plinth',
  `create table if not exists plinth.databases (tenant text not null, plugin text not null,
    role text not null unique, key text not null, primary key (tenant, plugin))`,
  `create table if not exists plinth.migrations (role text not null references plinth.databases (role)
    on delete cascade, name text not null, checksum text not null, additive boolean not null,
    at text not null, primary key (role, name))`,
  'create table if not exists plinth.secret (one boolean primary key check (one), value text not null)',
  'revoke all on all tables in schema plinth from public',
  // What a plugin has written so far, its own transaction included.
  `create or replace function plinth.used(out bytes bigint, out objects bigint, out large boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with own as (select oid from pg_roles where rolname = session_user),
      things as (select d.classid, d.objid from pg_shdepend d, own
        where d.refclassid = 'pg_authid'::regclass and d.refobjid = own.oid and d.deptype = 'o'
        and d.dbid = (select oid from pg_database where datname = current_database()))
    select (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from things
          join pg_class c on classid = 'pg_class'::regclass and c.oid = objid
          where c.relkind in ('r', 'm', 'S'))
        + (select coalesce(sum(pg_column_size(p.*)), 0)::bigint from things
          join pg_proc p on classid = 'pg_proc'::regclass and p.oid = objid)
        + (select coalesce(sum(pg_column_size(r.*)), 0)::bigint from things
          join pg_rewrite r on classid = 'pg_class'::regclass and r.ev_class = objid)
        + (select coalesce(sum(pg_column_size(e.*)), 0)::bigint from things
          join pg_description e on e.classoid = classid and e.objoid = objid),
      (select count(*) from things),
      exists (select 1 from things where classid = 'pg_largeobject'::regclass) $$`,
  // The key is the kernel's. Plugins can call this, and can't know it.
  `create or replace function plinth.lock(given text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      perform 1 from plinth.databases where role = session_user
        and key = encode(sha256(convert_to(given, 'UTF8')), 'hex') for update nowait;
      return found;
    end $$`,
  `create or replace function plinth.record(given text, called text, digest text, adds boolean, ran text)
    returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      insert into plinth.migrations (role, name, checksum, additive, at)
        select role, called, digest, adds, ran from plinth.databases where role = session_user
        and key = encode(sha256(convert_to(given, 'UTF8')), 'hex');
      return found;
    end $$`,
  `create or replace function plinth.forget(given text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from plinth.migrations m using plinth.databases d where m.role = d.role
      and d.role = session_user and d.key = encode(sha256(convert_to(given, 'UTF8')), 'hex') $$`,
];

/** What every role may do here: make temporary tables, or tables in a schema. It must be nothing. */
export const OPEN = `select format('revoke temporary, create on database %I from public', d.datname)
    from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    where d.datname = current_database() and a.grantee = 0 and a.privilege_type in ('CREATE', 'TEMPORARY')
  union select format('revoke create on schema %I from public', n.nspname)
    from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    where a.grantee = 0 and a.privilege_type = 'CREATE'`;

/** Makes the role and the schema of a plugin. */
export function creationOf(
  role: string,
  verifier: string,
  { connections, files }: { readonly connections: number; readonly files: number | undefined },
): readonly string[] {
  return [
    `create role ${role} login noinherit nosuperuser nocreatedb nocreaterole noreplication
      connection limit ${connections} password '${verifier}'`,
    // It ends the statements of the role, and deletes what it has.
    `grant ${role} to current_user`,
    ...(files === undefined ? [] : [`alter role ${role} set temp_file_limit = ${files}`]),
    // Owned by the kernel's role, so that the plugin can't drop what the kernel has in it.
    `create schema ${role}`,
    `grant usage, create on schema ${role} to ${role}`,
    `grant usage on schema plinth to ${role}`,
    // A function of the plugin must not see the rows of others before they are left out.
    `create view ${role}.${REGISTRY} with (security_barrier) as select name, checksum, additive::int as additive, at
      from plinth.migrations where role = '${role}' order by name`,
    `grant select on ${role}.${REGISTRY} to ${role}`,
  ];
}

/** Deletes them. */
export const deletionOf = (role: string): readonly string[] => [
  `drop schema if exists ${role} cascade`,
  `drop owned by ${role}`,
  `drop role ${role}`,
];
