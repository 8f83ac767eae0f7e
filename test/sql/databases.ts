/** Kernels with databases for these tests, and plugins that use them. */
import { createKernel, type Kernel, type KernelOptions, type PluginPackage } from '@plinth/kernel';
import { definePlugin, type PluginContext } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';
import { database } from '@plinth/sql';
import { type SqlOptions, sql } from '@plinth/sql/host';
import { CompiledQuery, type Kysely } from 'kysely';
import { folder } from '#sql-folder';
import { keep } from '../support/kernels.ts';

export { folder };

/** The right to a database. */
export const PERMISSIONS = { commands: { execute: ['plinth.sql:*'] } };

/** A plugin with migrations, as a source would deliver it. */
export interface Made {
  readonly id?: string;
  readonly version?: string;
  /** Texts by the name of their file. */
  readonly migrations?: Readonly<Record<string, string>>;
  readonly manifest?: Partial<ManifestInput>;
  activate?(ctx: PluginContext, db: Kysely<Tables>): unknown;
}

/** The tables of these tests. */
export interface Tables {
  notes: { id: number; text: string | null };
}

/** A package with its files. It runs inline. */
export function packageWith({
  id = 'test.notes',
  version = '1.0.0',
  migrations,
  manifest = {},
  activate,
}: Made): PluginPackage {
  const files = migrations ?? {};
  return {
    origin: `memory:${id}@${version}`,
    manifest: {
      id,
      version,
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      permissions: PERMISSIONS,
      ...(migrations && { contributes: { sql: { migrations: Object.keys(migrations) } } }),
      ...manifest,
    },
    exported: definePlugin({
      activate(ctx) {
        const db = database<Tables>(ctx);
        ctx.commands.handle('run', async (input) => {
          const [text, parameters = []] = input as [string, unknown[]?];
          return db.executeQuery(CompiledQuery.raw(text, parameters));
        });
        return activate?.(ctx, db);
      },
    }),
    code: async () => '',
    list: async () => Object.keys(files),
    read: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`no file ${path}`);
      return new TextEncoder().encode(text);
    },
  };
}

/** A kernel with databases. */
export interface WithSql {
  readonly kernel: Kernel;
  /** Empty for PostgreSQL. */
  readonly directory: string;
  /** Runs a statement in a plugin. */
  run(text: string, parameters?: readonly unknown[], plugin?: string): Promise<Ran>;
}

/** What a statement answers. */
export interface Ran {
  readonly rows: readonly Record<string, unknown>[];
  readonly numAffectedRows?: bigint;
  readonly insertId?: bigint;
}

/** Starts a kernel with databases in a folder. It is stopped after the test. */
export async function withSql(
  packages: readonly PluginPackage[],
  { directory, ...options }: Partial<SqlOptions> = {},
  more: KernelOptions = {},
): Promise<WithSql> {
  const where = options.postgres === undefined ? (directory ?? (await folder())) : '';
  const kernel = keep(
    await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      ...more,
      sources: [
        {
          async *discover() {
            yield* packages;
          },
        },
        ...(more.sources ?? []),
      ],
      extensions: [sql({ ...(where !== '' && { directory: where }), ...options })],
    }),
  );
  await kernel.start();
  return {
    kernel,
    directory: where,
    run: async (text, parameters = [], plugin = 'test.notes') =>
      (await kernel.commands.execute(`${plugin}:run`, [text, parameters])) as Ran,
  };
}
