/** `plinth migrate`: runs the migrations of databases that are due, without starting the plugins. */
import { compareVersions, messageOf } from '@plinth/sdk/contract';
import type { Options, RunCommand } from '../command.js';
import { databasesOf, type Pending } from '../data/databases.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';
import { printable } from '../terminal/printable.js';
import { type Terminal, table } from '../terminal/terminal.js';

/** What is due of a plugin, and what became of it. */
interface Due {
  readonly id: string;
  readonly version: string | undefined;
  readonly migrations: readonly Pending[];
  /** Names of those that have run. */
  readonly ran?: readonly string[];
  readonly error?: { readonly code: string | undefined; readonly message: string };
}

/** Lists what is due, asks about what loses data, and runs it plugin by plugin. */
export const run: RunCommand = async (_, options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel, project) => {
      await kernel.open();
      const tenant = typeof options.tenant === 'string' ? kernel.tenant(options.tenant) : kernel;
      await tenant.open();
      const databases = databasesOf(tenant, project);
      const plugins = wanted(tenant.plugins.list(), options.plugin);
      const due: Due[] = [];
      for (const { id, version } of plugins)
        due.push(
          await databases.pending(`${id}@${version}`).then(
            (migrations) => ({ id, version, migrations }),
            (error: unknown) => ({ id, version, migrations: [], error: factsOf(error) }),
          ),
        );
      const dryRun = options.dryRun === true;
      // One that can't be migrated is told before another one is changed.
      if (dryRun || due.some(({ error }) => error !== undefined))
        return resultOf(due, tenant.id, dryRun, terminal);
      const allow = await consent(due, options, terminal);
      const done: Due[] = [];
      for (const one of due) done.push(await migrated(one));
      return resultOf(done, tenant.id, dryRun, terminal);

      async function migrated(one: Due): Promise<Due> {
        if (one.migrations.length === 0) return one;
        const names = one.migrations
          .map(({ name }) => name)
          .filter((name) => allow.has(one.id, name));
        return terminal.during(`migrating ${one.id}`, () =>
          databases.migrate(`${one.id}@${one.version}`, { allow: names }).then(
            (ran) => ({ ...one, ran }),
            (error: unknown) => ({ ...one, error: factsOf(error) }),
          ),
        );
      }
    },
    { idle: true },
  );

interface Listed {
  readonly id: string;
  readonly version?: string | undefined;
  readonly enabled: boolean;
  readonly state: string;
}

/** The highest version of each plugin that may start; any version of one that is named. */
function wanted(plugins: readonly Listed[], only: Options[string]): readonly Listed[] {
  const all = new Map<string, Listed & { readonly version: string }>();
  for (const one of plugins) {
    const { id, version, enabled, state } = one;
    const isMeant = only === undefined ? enabled && !DOWN.has(state) : id === only;
    if (version === undefined || !isMeant) continue;
    const other = all.get(id);
    if (other === undefined || compareVersions(version, other.version) > 0)
      all.set(id, { ...one, version });
  }
  if (only !== undefined && all.size === 0)
    throw new CliError('plugin/not-found', `there is no plugin ${String(only)}`, {
      cure: 'plinth list shows those that are.',
    });
  return [...all.values()];
}

/** States of plugins that the kernel doesn't start. */
const DOWN: ReadonlySet<string> = new Set(['denied', 'failed']);

/** What may lose data. */
interface Allowed {
  has(id: string, name: string): boolean;
}

/**
 * Asks about migrations that lose data and that neither the project nor the command line allows.
 *
 * @throws CliError `migrate/consent` where nothing can be asked, `cli/cancelled`.
 */
async function consent(
  due: readonly Due[],
  options: Options,
  terminal: Terminal,
): Promise<Allowed> {
  const named = typeof options.allow === 'string' ? options.allow.split(',') : [];
  const open = due.flatMap(({ id, migrations }) =>
    migrations
      .filter(({ name, allowed }) => !allowed && !named.includes(name))
      .map(({ name, destructive }) => ({ id, name, destructive })),
  );
  if (options.yes === true || open.length === 0)
    return { has: (_, name) => options.yes === true || named.includes(name) };
  const [first] = open;
  if (!terminal.interactive)
    throw new CliError(
      'migrate/consent',
      `nothing has run: ${open.map(({ id, name }) => `'${name}' of ${id}`).join(', ')} would lose data`,
      {
        usage: true,
        cure: `--allow ${[...new Set(open.map(({ name }) => name))].join(',')} lets them run; plinth migrate --dry-run shows their statements.`,
        details: { migrations: open },
      },
    );
  const { askChoice } = await import('../terminal/prompts.js');
  for (const { id, name, destructive } of open) {
    const answer = await askChoice(
      `${name} of ${id} loses data: ${printable(destructive.join('; '))}`,
      [
        { value: 'stop', hint: 'nothing runs' },
        { value: 'run', hint: 'it can not be undone' },
      ],
    );
    if (answer === 'stop')
      throw new CliError('cli/cancelled', `stopped at ${first?.name ?? name}; nothing has run`);
  }
  return {
    has: (id, name) =>
      named.includes(name) || open.some((one) => one.id === id && one.name === name),
  };
}

function factsOf(error: unknown): NonNullable<Due['error']> {
  const { code } = error as { readonly code?: string };
  return { code, message: messageOf(error) };
}

function resultOf(due: readonly Due[], tenant: string, dryRun: boolean, terminal: Terminal) {
  const shown = due.filter(({ migrations, error }) => migrations.length > 0 || error !== undefined);
  const failed = due.some(({ error }) => error !== undefined);
  return {
    data: { tenant, dryRun, plugins: due },
    text:
      shown.length === 0
        ? 'no migration is due'
        : shown.map((one) => textOf(one, dryRun, terminal)).join('\n'),
    ...(failed && { failed }),
  };
}

function textOf({ id, version, migrations, ran, error }: Due, dryRun: boolean, terminal: Terminal) {
  const count = migrations.length === 1 ? '1 migration' : `${migrations.length} migrations`;
  const head = `${terminal.paint('bold', id)} ${version}`;
  if (error !== undefined)
    return `${head}: ${terminal.paint('red', 'failed')} ${error.code ?? ''} ${printable(error.message)}`;
  const rows = migrations.map(({ name, checksum, destructive }) => [
    `  ${name}`,
    checksum.slice(0, 12),
    destructive.length === 0 ? '' : `loses data: ${printable(destructive.join('; '))}`,
  ]);
  const isDue = dryRun || ran === undefined;
  return `${head}: ${isDue ? `${count} due` : terminal.paint('green', `${count} done`)}\n${table(rows)}`;
}
