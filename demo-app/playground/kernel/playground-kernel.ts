/** The kernel of the playground: all demo plugins that run in a browser, observed from outside. */
import { browserHost, indexedDBStorage } from '@plinth/host-browser';
import { audit } from '@plinth/kernel/audit';
import { grants } from '@plinth/kernel/grants';
import { installer } from '@plinth/kernel/installer';
import { limits } from '@plinth/kernel/limits';
import { liveConfig } from '@plinth/kernel/live-config';
import { metrics } from '@plinth/kernel/metrics';
import { network } from '@plinth/kernel/network';
import { permissionRecorder } from '@plinth/kernel/permission-recorder';
import { kernelWith } from '@plinth/kernel/preset';
import { recorder } from '@plinth/kernel/replay';
import { supervision } from '@plinth/kernel/supervision';
import type { Present } from '@plinth/ui/host';
import { isOwn, NAMES, SLOTS } from './demo-plugins.ts';
import { EditedTerms, editedPlugins } from './edited-plugins.ts';
import { faultStorage } from './fault-storage.ts';
import { ownIds } from './own-ids.ts';
import { pageSource } from './page-source.ts';
import { pluginViews } from './plugin-views.ts';
import { type SpanListener, tracer } from './tracer.ts';

/** Where the files of the demo plugins are. */
export const demoPlugins = () => pageSource(NAMES.map((name) => `./plugins/${name}/plugin.json`));

/**
 * The built-in extensions that the panels and the plugins have a use for. A page's usual preset has
 * more, and each is loaded.
 */
const createKernel = kernelWith([
  audit,
  grants,
  limits,
  supervision,
  network,
  liveConfig,
  metrics,
  installer,
]);

/** Makes the kernel. It is not started. `present` shows what plugins say. */
export async function createPlaygroundKernel(onSpan: SpanListener, present: Present) {
  const { ui } = await import('./workbench.ts');
  const faults = faultStorage(indexedDBStorage('plinth-playground'));
  const edited = new EditedTerms();
  const kernel = await createKernel({
    host: browserHost(),
    sources: [demoPlugins()],
    storage: faults.storage,
    // What comes from elsewhere is not trusted.
    isolation: (manifest) =>
      edited.isolationOf(manifest) ?? (isOwn(manifest.id) ? undefined : 'sandbox'),
    policy: { permissions: (manifest) => edited.ceilingOf(manifest) },
    // Long enough to watch a plugin hang, and for the rogue's flood on a slow machine.
    supervision: { timeout: 15_000 },
    extensions: [
      ownIds(document.baseURI),
      tracer(onSpan),
      permissionRecorder(),
      recorder(),
      pluginViews(),
      ui({ slots: SLOTS, present, keys: [{ key: 'mod+k', command: 'host:palette' }] }),
      editedPlugins(edited),
    ],
  });
  return { kernel, faults, workbench: kernel.extension(ui) };
}

/** The kernel with its extensions. */
export type PlaygroundKernel = Awaited<ReturnType<typeof createPlaygroundKernel>>['kernel'];
