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
import { recorder } from '@plinth/kernel/replay';
import { supervision } from '@plinth/kernel/supervision';
import { faultStorage } from './fault-storage.ts';
import { pluginViews } from './plugin-views.ts';
import { type SpanListener, tracer } from './tracer.ts';

const NAMES = ['notes', 'search', 'markdown', 'clock', 'digest', 'rogue'];
const OWN: ReadonlySet<string> = new Set(NAMES.map((name) => `demo.${name}`));

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

/** Later versions that are served beside the plugins, by id. */
const UPDATES: ReadonlyMap<string, string> = new Map([
  ['demo.clock', './updates/clock/plugin.json'],
]);

/** Where a later version of a plugin is served, if there is one. */
export const updateOf = (id: string): string | undefined => UPDATES.get(id);

/** Makes the kernel. It is not started. */
export async function createPlaygroundKernel(onSpan: SpanListener) {
  const faults = faultStorage(indexedDBStorage('plinth-playground'));
  const kernel = await createKernel({
    host: browserHost(),
    sources: [demoPlugins()],
    storage: faults.storage,
    // What comes from elsewhere is not trusted. The ids of the page's own plugins belong to its origin.
    isolation: ({ id }) => (isDemo(id) ? undefined : 'sandbox'),
    // Long enough to watch a plugin hang, and for the rogue's flood on a slow machine.
    supervision: { timeout: 15_000 },
    extensions: [tracer(onSpan), permissionRecorder(), recorder(), pluginViews()],
  });
  return { kernel, faults };
}

/** The kernel with its extensions. */
export type PlaygroundKernel = Awaited<ReturnType<typeof createPlaygroundKernel>>['kernel'];
