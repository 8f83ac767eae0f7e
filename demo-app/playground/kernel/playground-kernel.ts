/** The kernel of the playground: all demo plugins that run in a browser, observed from outside. */
import { createKernel, indexedDBStorage, urlSource } from '@plinth/host-browser';
import { permissionRecorder } from '@plinth/kernel/permission-recorder';
import { ui } from '@plinth/ui/host';
import { EditedTerms, editedPlugins } from './edited-plugins.ts';
import { faultStorage } from './fault-storage.ts';
import { type SpanListener, tracer } from './tracer.ts';

const NAMES = ['notes', 'search', 'markdown', 'clock', 'digest', 'rogue'];
const OWN: ReadonlySet<string> = new Set(NAMES.map((name) => `demo.${name}`));

/** Whether a plugin is one of the page's own. */
export const isDemo = (id: string): boolean => OWN.has(id);

/** Where their files are. */
export const demoPlugins = () => urlSource(NAMES.map((name) => `./plugins/${name}/plugin.json`));

/** Makes the kernel. It is not started. */
export async function createPlaygroundKernel(onSpan: SpanListener) {
  const faults = faultStorage(indexedDBStorage('plinth-playground'));
  const edited = new EditedTerms();
  const kernel = await createKernel({
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
      ui({ slots: ['main'], present: { notify() {}, ask: async () => null } }),
      editedPlugins(edited),
    ],
  });
  return { kernel, faults };
}

/** The kernel with its extensions. */
export type PlaygroundKernel = Awaited<ReturnType<typeof createPlaygroundKernel>>['kernel'];
