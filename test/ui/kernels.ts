/** Kernels with plugins that have views. */
import type { PackageInput } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import panel from './plugins/panel.ts?bundle';

export const PANEL = 'test.panel';

/** A package with views. */
export const viewPackage = (code: string, manifest: Partial<ManifestInput> = {}): PackageInput => ({
  manifest: {
    id: PANEL,
    name: 'The panel',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    provides: ['plinth.view@1'],
    permissions: { contracts: { provide: ['plinth.view'] } },
    activation: ['command:plinth.view:open', `command:${manifest.id ?? PANEL}:rows`],
    ...manifest,
  },
  code,
});

/** Text that makes a plugin whose view sends these batches, and then no more. */
export const sending = (batches: string): string => `
  const stream = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const View = {
    $id: 'plinth.view@1',
    open: { kind: 'command', id: 'plinth.view:open', errors: {} },
    event: { kind: 'command', id: 'plinth.view:event', errors: {} },
  };
  export default {
    activate(ctx) {
      ctx.provide(View, {
        async *open({ props }, call) {
          ${batches}
          await new Promise((done) => call.signal.addEventListener('abort', done));
        },
        event() {},
      });
    },
  };`;

/** A kernel with the panel in a worker. */
export const startPanel = (manifest: Partial<ManifestInput> = {}) =>
  startKernel({ isolation: 'worker', createHost }, [viewPackage(panel, manifest)]);
