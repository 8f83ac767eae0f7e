/** `plinth migrate`: runs the migrations of databases that are due, without starting the plugins. */
import type { Kernel } from '@plinth/host-node';
import { compareVersions, messageOf } from '@plinth/sdk/contract';
import type { Options, RunCommand } from '../command.js';
import { type Databases, databasesOf, type Pending } from '../data/databases.js';
import { withKernel } from '../project/open-kernel.js';
import type { Project } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { printable } from '../terminal/printable.js';
import { type Terminal, table } from '../terminal/terminal.js';

/** What is due of a plugin in a tenant, and what became of it. */
interface Due {
  readonly tenant: string;
  readonly id: string;
  readonly version: string | undefined;
  readonly migrations: readonly Pending[];
  /** Names of those that have run. */
  readonly ran?: readonly string[];
  readonly error?: { readonly code: string | undefined; readonly message: string };
}

/** Databases of a tenant, by its name. */
type Tenants = ReadonlyMap<string, Databases>;

/** Lists what is due, asks about what loses data, and runs it tenant by tenant. */
export const run: RunCommand = async (_, options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel, project) => {
      await kernel.open();
      const [tenants, due] = await dueOf(kernel, project, options);
      const dryRun = options.dryRun === true;
      const result = (all: readonly Due[]) => resultOf(all, [...tenants.keys()], dryRun, terminal);
      // One that can't be migrated is told before another one is changed.
      if (due.some(({ error }) => error !== undefined)) return result(due);
      const named = typeof options.allow === 'string' ? options.allow.split(',') : [];
      await checkNames(named, due, tenants);
      if (dryRun) return result(due);
      const allow = await consent(due, named, options, terminal);
      const done: Due[] = [];
      for (const one of due) done.push(await migrated(one, tenants, allow, terminal));
      return result(done);
    },
    { idle: true },
  );

/** What is due in the tenant that is named, or in the default one and all that have a database. */
async function dueOf(
  kernel: Kernel,
  project: Project,
  options: Options,
): Promise<readonly [Tenants, readonly Due[]]> {
  const ids =
    typeof options.tenant === 'string'
      ? [options.tenant]
      : [...new Set([kernel.id, ...(await databasesOf(kernel, project).tenants())])];
  const tenants = new Map<string, Databases>();
  const due: Due[] = [];
  for (const tenant of ids) {
    const opened = tenant === kernel.id ? kernel : kernel.tenant(tenant);
    await opened.open();
    const databases = databasesOf(opened, project);
    tenants.set(tenant, databases);
    for (const { id, version } of wanted(opened.plugins.list(), options.plugin)) {
      const of = { tenant, id, version, migrations: [] };
      due.push(
        await databases.pending(`${id}@${version}`).then(
          (migrations) => ({ ...of, migrations }),
          (error: unknown) => ({ ...of, error: factsOf(error) }),
        ),
      );
    }
  }
  if (options.plugin !== undefined && due.length === 0)
    throw new CliError('plugin/not-found', `there is no plugin ${String(options.plugin)}`, {
      cure: 'plinth list shows those that are.',
    });
  return [tenants, due];
}

/** Runs what is due of a plugin in one tenant. */
async function migrated(
  one: Due,
  tenants: Tenants,
  allow: Allowed,
  terminal: Terminal,
): Promise<Due> {
  const { tenant, id, version, migrations } = one;
  const databases = tenants.get(tenant);
  if (migrations.length === 0 || databases === undefined) return one;
  const names = migrations.map(({ name }) => name).filter((name) => allow.has(id, name));
  return terminal.during(`migrating ${id} of ${tenant}`, () =>
    databases.migrate(`${id}@${version}`, { allow: names }).then(
      (ran) => ({ ...one, ran }),
      (error: unknown) => ({ ...one, error: factsOf(error) }),
    ),
  );
}

/**
 * A name that is misspelt must not pass for consent. One that has run already may stay in a script.
 *
 * @throws CliError `migrate/unknown`.
 */
async function checkNames(
  named: readonly string[],
  due: readonly Due[],
  tenants: Tenants,
): Promise<void> {
  const unknown = new Set(named);
  for (const { migrations } of due) for (const { name } of migrations) unknown.delete(name);
  for (const [tenant, databases] of tenants) {
    if (unknown.size === 0) return;
    const kept = new Set((await databases.list()).map(({ plugin }) => plugin));
    for (const { id } of due.filter((one) => one.tenant === tenant && kept.has(one.id)))
      for (const { name } of await databases.migrations(id)) unknown.delete(name);
  }
  if (unknown.size === 0) return;
  const names = [...unknown];
  throw new CliError(
    'migrate/unknown',
    `nothing has run: --allow names what is no migration here: ${names.map(printable).join(', ')}`,
    {
      usage: true,
      details: { names },
      cure: 'plinth migrate --dry-run lists the names of those that are due.',
    },
  );
}

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
  named: readonly string[],
  options: Options,
  terminal: Terminal,
): Promise<Allowed> {
  const asked = due.flatMap(({ id, migrations }) =>
    migrations
      .filter(({ name, allowed }) => !allowed && !named.includes(name))
      .map(({ name, destructive }) => ({ id, name, destructive })),
  );
  // A plugin has the same migrations in each tenant.
  const open = [...new Map(asked.map((one) => [`${one.id} ${one.name}`, one])).values()];
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

function resultOf(
  due: readonly Due[],
  tenants: readonly string[],
  dryRun: boolean,
  terminal: Terminal,
) {
  const textIn = (tenant: string) => {
    const shown = due
      .filter((one) => one.tenant === tenant)
      .filter(({ migrations, error }) => migrations.length > 0 || error !== undefined);
    return shown.length === 0
      ? 'no migration is due'
      : shown.map((one) => textOf(one, dryRun, terminal)).join('\n');
  };
  const failed = due.some(({ error }) => error !== undefined);
  return {
    data: { tenants, dryRun, plugins: due },
    text: tenants
      .map((tenant) => `${tenants.length > 1 ? `${printable(tenant)}:\n` : ''}${textIn(tenant)}`)
      .join('\n'),
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
