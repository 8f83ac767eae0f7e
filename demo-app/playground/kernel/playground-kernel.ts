/** The kernel of the playground: all demo plugins that run in a browser, observed from outside. */
import { createKernel, indexedDBStorage, urlSource } from '@plinth/host-browser';
import { permissionRecorder } from '@plinth/kernel/permission-recorder';
import { recorder } from '@plinth/kernel/replay';
import { faultStorage } from './fault-storage.ts';
import { pluginViews } from './plugin-views.ts';
import { type SpanListener, tracer } from './tracer.ts';

const NAMES = ['notes', 'search', 'markdown', 'clock', 'digest', 'rogue'];
const OWN: ReadonlySet<string> = new Set(NAMES.map((name) => `demo.${name}`));

/** Later versions that are served beside the plugins, by id. */
const UPDATES: ReadonlyMap<string, string> = new Map([
  ['demo.clock', './updates/clock/plugin.json'],
]);

/** Whether an id is of the page's own plugins: it belongs to the page's origin. */
export const isOwn = (id: string): boolean => OWN.has(id);

/** Where a later version of a plugin is served, if there is one. */
export const updateOf = (id: string): string | undefined => UPDATES.get(id);

/** Makes the kernel. It is not started. */
export async function createPlaygroundKernel(onSpan: SpanListener) {
  const faults = faultStorage(indexedDBStorage('plinth-playground'));
  const kernel = await createKernel({
    sources: [urlSource(NAMES.map((name) => `./plugins/${name}/plugin.json`))],
    storage: faults.storage,
    // What comes from elsewhere is not trusted.
    isolation: ({ id }) => (isOwn(id) ? undefined : 'sandbox'),
    // Long enough to watch a plugin hang, and for the rogue's flood on a slow machine.
    supervision: { timeout: 15_000 },
    extensions: [tracer(onSpan), permissionRecorder(), recorder(), pluginViews()],
  });
  return { kernel, faults };
}

/** The kernel with its extensions. */
export type PlaygroundKernel = Awaited<ReturnType<typeof createPlaygroundKernel>>['kernel'];
