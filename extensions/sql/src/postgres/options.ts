/** The option `postgres` of `sql()`. */

/** Where PostgreSQL is. */
export interface PostgresOptions {
  /**
   * `postgres://owner:secret@host/database`, as `pg` reads it, also with `?sslmode=verify-full`. The
   * role owns the database, and may create roles.
   */
  readonly url: string;
  /** Connections of all plugins together. The kernel has two more. Default: 20. */
  readonly connections?: number;
}

/** The option with all defaults. */
export interface PostgresSettings extends Required<PostgresOptions> {
  /** Kilobytes of temporary files of a plugin's statement. */
  readonly temporary: number;
}

const CONNECTIONS = 20;
const NAMES: ReadonlySet<string> = new Set(['url', 'connections']);
/** A transaction, a statement beside it, and the start of a plugin. */
const LEAST = 3;
const MOST = 10_000;
/** Kilobytes. */
const TEMPORARY = 262_144;

/** Says what is wrong with an option. */
export type Wrong = (option: string, what: string) => Error;

/** @throws what `wrong` makes. */
export function postgresSettingsOf(given: unknown, wrong: Wrong): PostgresSettings {
  const options = typeof given === 'string' ? { url: given } : given;
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw wrong('postgres', "is an address, like 'postgres://owner:secret@host/database'");
  for (const name of Object.keys(options as object))
    if (!NAMES.has(name)) throw wrong(`postgres.${name}`, `is no option: ${[...NAMES].join(', ')}`);
  const { url, connections = CONNECTIONS } = options as Partial<PostgresOptions>;
  if (typeof url !== 'string' || !isAddress(url))
    // The address has a password, so it isn't shown.
    throw wrong('postgres', "is an address, like 'postgres://owner:secret@host/database'");
  if (!(Number.isInteger(connections) && connections >= LEAST && connections <= MOST))
    throw wrong('postgres.connections', `is a whole number from ${LEAST} to ${MOST}`);
  return { url, connections, temporary: TEMPORARY };
}

function isAddress(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1
  );
}
