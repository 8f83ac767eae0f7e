/** Migrations for the application: what is pending, and running it without the plugin. */
import type { Contributions, PluginView } from '@plinth/kernel/extension';
import { compareVersions, createError } from '@plinth/sdk/contract';
import type { SqlContribution } from '../migrations/declared.js';
import type { Migrator } from '../migrations/migrator.js';
import { checkId, type MigrateOptions, runningOf, type SqlApi } from './sql-api.js';

/** What this needs. */
export interface MigratingParts {
  readonly declared: Contributions<SqlContribution>;
  plugins(): readonly PluginView[];
  migrator(): Promise<Migrator>;
  /** Settles when data that is being deleted is gone. */
  gone(plugin: string): Promise<void> | undefined;
}

/** Makes this part of the API of one tenant. */
export function migratingApi(parts: MigratingParts): Pick<SqlApi, 'migrate' | 'pending'> {
  const about = (reference: string) => {
    const plugin = findPlugin(parts.plugins(), reference);
    return { plugin, declared: parts.declared.of(plugin)?.migrations ?? [] };
  };
  return {
    async pending(reference) {
      const { plugin, declared } = about(reference);
      await parts.gone(plugin.id);
      const found = await (await parts.migrator()).pending(plugin, declared);
      return found.map(({ name, checksum, destructive, allowed }) => ({
        name,
        checksum,
        destructive,
        allowed,
      }));
    },
    async migrate(reference, options = {}) {
      const allow = allowedBy(options);
      const { plugin, declared } = about(reference);
      const running = runningOf(parts.plugins(), plugin.id);
      if (running !== undefined)
        throw createError(
          'plugin/illegal-transition',
          `the database of ${plugin.id} can't be migrated while the plugin is ${running.state}: its start has run what was due`,
          { plugin: plugin.id },
        );
      await parts.gone(plugin.id);
      return (await parts.migrator()).migrate(plugin, declared, allow);
    },
  };
}

/** @throws PluginUnavailableError `plugin/not-found`, PluginError `sql/failed` for what is no id. */
function findPlugin(plugins: readonly PluginView[], reference: string): PluginView {
  const [id = '', version] = String(reference).split('@');
  checkId(id);
  const [found] = plugins
    .filter((one) => one.id === id && one.manifest !== undefined)
    .filter((one) => version === undefined || one.version === version)
    .sort((one, other) => compareVersions(other.version ?? '', one.version ?? ''));
  if (found !== undefined) return found;
  throw createError(
    'plugin/not-found',
    `${String(reference).slice(0, 160)} is not installed: plugins are known once the kernel was opened or started`,
    { plugin: id },
  );
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function allowedBy(options: MigrateOptions): readonly string[] {
  const { allow = [] } = Object(options) as MigrateOptions;
  if (Array.isArray(allow) && allow.every((name) => typeof name === 'string')) return allow;
  throw createError('kernel/invalid-option', "migrate(): 'allow' is a list of names", {
    details: { option: 'allow' },
  });
}
