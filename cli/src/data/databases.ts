/** The databases of a project's plugins: what `sql()` of its configuration can do. */
import type { Kernel } from '@plinth/host-node';
import type { Project } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';

/** What gives the plugins of a project databases. */
export const ADD_DATABASES =
  "Add sql({ directory: './databases' }) of @plinth/sql/host to 'extensions' of plinth.config.";

/** A migration that is due. */
export interface Pending {
  readonly name: string;
  readonly checksum: string;
  readonly destructive: readonly string[];
  readonly allowed: boolean;
}

/** What `plinth data` uses of `kernel.extension(sql)`. The project brings `@plinth/sql` itself. */
export interface KeptDatabases {
  list(): Promise<readonly { readonly plugin: string; readonly bytes: number }[]>;
  backup(plugin: string, file: string): Promise<void>;
  restore(plugin: string, file: string): Promise<void>;
  purge(plugin: string): Promise<void>;
}

/** What `plinth migrate` uses of it, besides. */
export interface Databases extends KeptDatabases {
  tenants(): Promise<readonly string[]>;
  migrations(plugin: string): Promise<readonly { readonly name: string }[]>;
  pending(plugin: string): Promise<readonly Pending[]>;
  migrate(
    plugin: string,
    options: { readonly allow: readonly string[] },
  ): Promise<readonly string[]>;
}

/** The databases of a project, whose kernel is opened for it. Undefined where plugins have none. */
export async function keptDatabases(
  kernel: Kernel,
  project: Project,
): Promise<KeptDatabases | undefined> {
  const found = sqlOf(project);
  if (found === undefined) return undefined;
  await kernel.open();
  return kernel.extension(found.factory) as KeptDatabases;
}

const sqlOf = ({ options }: Project) =>
  options.extensions?.find(({ statics }) => statics.name === 'sql');

/** @throws CliError `migrate/no-databases`. */
export function databasesOf(tenant: Pick<Kernel, 'extension'>, project: Project): Databases {
  const found = sqlOf(project);
  const api = found && (tenant.extension(found.factory) as Partial<Databases> | undefined);
  if (typeof api?.tenants === 'function' && typeof api.migrate === 'function')
    return api as Databases;
  throw new CliError(
    'migrate/no-databases',
    found === undefined
      ? 'the plugins of this project have no databases'
      : 'the @plinth/sql of this project is too old to run migrations without plugins',
    {
      cure: found === undefined ? ADD_DATABASES : 'npm install @plinth/sql@latest',
    },
  );
}
