/**
 * `@plinth/kernel/live-config`: settings of plugins, changed while they run.
 *
 * @module
 */
import { createError, disposable } from '@plinth/sdk/contract';
import { makeExtension } from '../../extension/make-extension.js';
import type { HostChanges } from './host-changes.js';
import { Watchers } from './watchers.js';

export type { HostChanges } from './host-changes.js';
export type { ConfigWatcher } from './watchers.js';

/**
 * Reads settings from their sources, changes them while plugins run, and keeps the user's.
 *
 * @example
 * const kernel = await createKernel({ extensions: [liveConfig()] });
 * await kernel.extension(liveConfig).set('com.example.notes', { max: 20 });
 */
export const liveConfig = makeExtension({ name: 'live-config', uses: ['core'] }, () => ({
  install({ core }): HostChanges {
    const watchers = new Watchers();
    const made = core.fill('settings', async () => {
      const { ConfigChanges } = await import('./config-changes.js');
      return (tenant) =>
        new ConfigChanges({
          store: tenant.settings.store,
          options: tenant.settings.given,
          storage: tenant.storage,
          tenant: tenant.tenant,
          log: tenant.reporting.log,
          announce: tenant.reporting.announce,
          watchers,
          manifests: (id) => tenant.registry.manifestsOf(id),
          reconfigure: (id, taken, only) => tenant.lifecycle.reconfigure(id, taken, only),
        });
    });
    core.keep({ kind: 'settings', purge: async (plugin) => (await made()).purge(plugin) });
    const { registry } = core.base;
    return {
      async set(id, patch, layer = 'user') {
        await core.known(id);
        const manifest = registry.manifest(id);
        if (manifest === undefined)
          throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
        await (await made()).set(manifest.id, patch, layer);
      },
      watch(id, watcher) {
        watchers.add(id, watcher);
        return disposable(() => watchers.remove(id, watcher));
      },
    };
  },
}));
