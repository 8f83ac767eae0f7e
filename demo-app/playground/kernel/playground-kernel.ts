/** The kernel of the playground: all demo plugins that run in a browser, observed from outside. */
import { browserHost, indexedDBStorage, urlSource } from '@plinth/host-browser';
import { audit } from '@plinth/kernel/audit';
import { grants } from '@plinth/kernel/grants';
import { installer } from '@plinth/kernel/installer';
import { limits } from '@plinth/kernel/limits';
import { liveConfig } from '@plinth/kernel/live-config';
import { metrics } from '@plinth/kernel/metrics';
import { network } from '@plinth/kernel/network';
import { permissionRecorder } from '@plinth/kernel/permission-recorder';
import { kernelWith } from '@plinth/kernel/preset';
import { supervision } from '@plinth/kernel/supervision';
import type { Present } from '@plinth/ui/host';
import { EditedTerms, editedPlugins } from './edited-plugins.ts';
import { faultStorage } from './fault-storage.ts';
import { type SpanListener, tracer } from './tracer.ts';

const NAMES = ['notes', 'search', 'markdown', 'clock', 'digest', 'rogue'];
const OWN: ReadonlySet<string> = new Set(NAMES.map((name) => `demo.${name}`));

/** The places of the page where plugins show views. */
export const SLOTS: readonly string[] = ['main', 'sidebar'];

/** Whether a plugin is one of the page's own. */
export const isDemo = (id: string): boolean => OWN.has(id);

/** Where their files are. */
export const demoPlugins = () => urlSource(NAMES.map((name) => `./plugins/${name}/plugin.json`));

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
    // What comes from elsewhere is not trusted. The ids of the page's own plugins belong to its origin.
    isolation: (manifest) =>
      edited.isolationOf(manifest) ?? (isDemo(manifest.id) ? undefined : 'sandbox'),
    policy: { permissions: (manifest) => edited.ceilingOf(manifest) },
    // Long enough to watch a plugin hang, and for the rogue's flood on a slow machine.
    supervision: { timeout: 15_000 },
    extensions: [
      tracer(onSpan),
      permissionRecorder(),
      ui({ slots: SLOTS, present, keys: [{ key: 'mod+k', command: 'host:palette' }] }),
      editedPlugins(edited),
    ],
  });
  return { kernel, faults, workbench: kernel.extension(ui) };
}

/** The kernel with its extensions. */
export type PlaygroundKernel = Awaited<ReturnType<typeof createPlaygroundKernel>>['kernel'];
