/**
 * `@plinth/kernel/installer`: which plugins there are, in which versions, and what was decided about
 * them; for good.
 *
 * @module
 */
import { MANAGEMENT } from '../../calls/management-rights.js';
import { makeExtension } from '../../extension/make-extension.js';
import type { CallCount, CanaryInfo } from '../../lifecycle/inventory.js';
import { liveConfig } from '../live-config/index.js';
import { createHostInstaller, type HostInstaller } from './host-installer.js';
import type { UpdatePolicy } from './installed.js';
import type { Owners } from './owners.js';

export type { CanaryComparison, CanaryOptions } from './canary/options.js';
export type { HostInstaller } from './host-installer.js';
export type { UpdatePolicy } from './installed.js';
export type { OwnerOptions, UninstallOptions, UpdateOptions } from './installer-options.js';
export type { Leftover } from './plugin-data.js';
export type { CallCount, CanaryInfo };

/**
 * Installs, updates, rolls back and removes plugins. What was decided is kept in the kernel's
 * storage. It also answers plugins that manage plugins (`plinth.plugins@1`).
 *
 * @param updates how updates are made when the caller doesn't say.
 * @example
 * const kernel = await createKernel({ extensions: [installer()] });
 * await kernel.start();
 * await kernel.extension(installer).install(packageOf({ manifest, code }));
 */
export const installer = makeExtension(
  { name: 'installer', uses: ['core'], after: ['live-config'] },
  (updates?: UpdatePolicy) => ({
    install({ core, find }): HostInstaller {
      let owners: Owners | undefined;
      core.fill('owners', async () => {
        const { ownersOf } = await import('./owners.js');
        return (tenant) => {
          owners = ownersOf(tenant);
          return owners;
        };
      });
      const installed = core.fill('inventory', async () =>
        (await import('./installed.js')).inventoryOf(() => owners as Owners, updates),
      );
      core.answer(MANAGEMENT, async () => {
        const { managing } = await import('./management/managing.js');
        return managing((await installed()).installer, () => find(liveConfig));
      });
      return createHostInstaller(installed, core.known);
    },
  }),
);
