/** `kernel.extension(sql)`, whose code is loaded by the first use. */
import type { SqlApi } from './sql-api.js';

/** Makes the API of one tenant. */
export function lazyApi(load: () => Promise<SqlApi>): SqlApi {
  let loading: Promise<SqlApi> | undefined;
  const api = (): Promise<SqlApi> => {
    loading ??= load();
    return loading;
  };
  return {
    list: async () => (await api()).list(),
    tenants: async () => (await api()).tenants(),
    migrations: async (plugin) => (await api()).migrations(plugin),
    pending: async (plugin) => (await api()).pending(plugin),
    migrate: async (plugin, options) => (await api()).migrate(plugin, options),
    backup: (async (plugin: string, file: string) =>
      (await api()).backup(plugin, file)) as SqlApi['backup'],
    restore: async (plugin, from) => (await api()).restore(plugin, from),
    importFrom: async (plugin, file) => (await api()).importFrom(plugin, file),
    purge: async (plugin) => (await api()).purge(plugin),
  };
}
