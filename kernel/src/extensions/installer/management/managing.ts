/** Lets the contracts by which plugins manage plugins be answered. */
import { missingExtension } from '../../../absent-extension.js';
import type { Core } from '../../../extension/core.js';
import type { HostChanges } from '../../live-config/host-changes.js';
import type { Installer } from '../installer.js';
import { provideManagement } from './providers.js';

/** @param settings what changes settings. Undefined where the extension is left out. */
export const managing =
  (installer: Installer, settings: () => HostChanges | undefined) =>
  ({ exchange, reporting, packages, rights, views, hosts, about, tenant }: Core): void =>
    void provideManagement({
      commands: exchange.commands,
      metrics: reporting.metrics,
      rights,
      trust: packages.trust,
      plugins: views.plugins,
      config: views.config,
      installer,
      async configure(id, patch) {
        const changes = settings();
        if (changes === undefined) throw missingExtension('liveConfig');
        await changes.set(id, patch);
      },
      hosts,
      version: about.version,
      tenant,
      uptime: () => performance.now() - about.created,
      announce: reporting.announce,
    });
