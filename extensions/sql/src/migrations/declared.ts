/** `contributes.sql` of a manifest: the migrations of a plugin, by their files. */
import { isRelativePath, type Schema } from '@plinth/sdk/contract';
import type { Dialect } from '../backend/backend.js';

/** A migration that a manifest names. */
export interface Declared {
  /** `0001_create_notes`. */
  readonly name: string;
  /** Its file for this database, as the manifest writes it. */
  readonly path: string;
}

/** The value of the point. */
export interface SqlContribution {
  /** In order. */
  readonly migrations: readonly Declared[];
}

/** Migrations of one plugin. */
const MOST = 1_000;
const FILE = /^(\d{4}_[a-z0-9][a-z0-9_-]{0,80})(?:\.(sqlite|postgres))?\.sql$/;

/** The schema of the point, for a database that understands a dialect. */
export const contributionSchema = (dialect: Dialect): Schema<unknown, SqlContribution> => ({
  '~standard': {
    version: 1,
    vendor: 'plinth',
    validate(value) {
      try {
        return { value: parse(value, dialect) };
      } catch (error) {
        return { issues: [{ message: (error as Error).message }] };
      }
    },
  },
});

const TITLES: Readonly<Record<string, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

function parse(value: unknown, dialect: Dialect): SqlContribution {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it is an object, like { "migrations": ["migrations/0001_notes.sql"] }');
  for (const key of Object.keys(value))
    if (key !== 'migrations')
      throw new Error(`'${key.slice(0, 40)}' is unknown: it has 'migrations'`);
  const { migrations = [] } = value as { readonly migrations?: unknown };
  if (!Array.isArray(migrations) || migrations.length > MOST)
    throw new Error(`'migrations' is a list of at most ${MOST} files`);
  return { migrations: inOrder(migrations, dialect) };
}

function inOrder(paths: readonly unknown[], own: Dialect): readonly Declared[] {
  const found = new Map<string, { readonly special: boolean; readonly path: string }>();
  const others = new Map<string, string>();
  for (const path of paths) {
    if (typeof path !== 'string' || path.length > 200 || !isRelativePath(path))
      throw new Error("'migrations' has paths of files of the package");
    const match = FILE.exec(path.slice(path.lastIndexOf('/') + 1));
    if (match === null)
      throw new Error(
        `'${path}' is no name of a migration: write one like 0001_create_notes.sql, with '.sqlite.sql' or '.postgres.sql' for one database`,
      );
    const [, name = '', dialect] = match;
    if (dialect !== undefined && dialect !== own) {
      others.set(name, dialect);
      continue;
    }
    const before = found.get(name);
    const special = dialect !== undefined;
    if (before?.special === special) throw new Error(`'${name}' is there twice`);
    if (before === undefined || special) found.set(name, { special, path });
  }
  for (const [name, other] of others)
    if (!found.has(name))
      throw new Error(`'${name}' has a file for ${TITLES[other]} alone: add ${name}.${own}.sql`);
  const declared = [...found].map(([name, { path }]) => ({ name, path }));
  declared.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const [index, { name }] of declared.entries()) {
    const next = declared[index + 1]?.name;
    if (next?.slice(0, 4) === name.slice(0, 4))
      throw new Error(`'${name}' and '${next}' have one number`);
  }
  return declared;
}
