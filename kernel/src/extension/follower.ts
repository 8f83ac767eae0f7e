/** Takes in what a source reports: one plugin is installed, replaced or removed. */
import { messageOf } from '@plinth/sdk/contract';
import type { PluginPackage, SourceChange } from '../host.js';
import type { Follower } from './followers.js';
import type { ExtensionPort } from './port.js';
import type { PluginView } from './views.js';

type Port = ExtensionPort<{
  readonly name: 'followed-sources';
  readonly uses: readonly ['core', 'steer'];
}>;

/** What is used of the installer. */
export interface Remembering {
  install(found: PluginPackage, options: { readonly owner?: string }): Promise<string>;
  reload(id: string, found: PluginPackage, options: { readonly owner?: string }): Promise<void>;
  uninstall(id: string): Promise<void>;
}

/** The verbs of a tenant, with an installer that remembers them or without one. */
interface Verbs {
  add(found: PluginPackage, owner: string | undefined): Promise<PluginView>;
  /** Starts a plugin that asks to start with the kernel. */
  start(plugin: PluginView): Promise<void>;
  replace(plugin: PluginView, found: PluginPackage, owner: string | undefined): Promise<void>;
  remove(plugin: PluginView): Promise<void>;
}

/** Makes the follower of a tenant. */
export function createFollower(port: Port, installer: Remembering | undefined): Follower {
  const { log, plugins } = port;
  const verbs = verbsOf(port, installer);
  /** Places whose plugin was there after their last change. */
  const taken = new Set(plugins.all().flatMap((one) => one.package?.origin ?? []));
  return async (change) => {
    const { origin, found } = change;
    const now = viewOf(plugins.all(), origin);
    if (now === undefined && found !== undefined && taken.has(origin)) {
      // The application's decision holds until the place is empty.
      log.info(`what changed in ${origin} is not used: its plugin was uninstalled`, { origin });
      return;
    }
    try {
      await take(change, now, verbs);
      if (found === undefined) taken.delete(origin);
      else taken.add(origin);
    } catch (error) {
      const running = now?.state === 'active' ? ' What ran before still runs.' : '';
      log.error(`what changed in ${origin} is not used: ${messageOf(error)}.${running}`, {
        origin,
        code: (error as { readonly code?: unknown }).code,
      });
      throw error;
    }
  };
}

async function take(
  { found, owner }: SourceChange,
  now: PluginView | undefined,
  verbs: Verbs,
): Promise<void> {
  if (found === undefined) {
    if (now !== undefined) await verbs.remove(now);
    return;
  }
  if (found.problem !== undefined) throw found.problem;
  const known = now?.manifest !== undefined && now.state !== 'denied';
  const id = idIn(found.manifest);
  // A manifest without an id is refused with what is wrong with it, before anything changes.
  if (known && (id === undefined || id === now.id)) return verbs.replace(now, found, owner);
  // A plugin that can't be read, or may not run, leaves its place to the next one.
  if (now !== undefined && !known) await verbs.remove(now);
  const added = await verbs.add(found, owner);
  try {
    await verbs.start(added);
  } catch (error) {
    // Without a plugin before it, it stays among the others, as one that has failed.
    if (known) await verbs.remove(added);
    throw error;
  }
  if (known) await verbs.remove(now);
}

/** The id that a manifest says, if it can be read so far. */
function idIn(manifest: string | object): unknown {
  try {
    const read: unknown = typeof manifest === 'string' ? JSON.parse(manifest) : manifest;
    return (read as { readonly id?: unknown } | null)?.id;
  } catch {
    return undefined;
  }
}

function verbsOf({ steer, plugins }: Port, installer: Remembering | undefined): Verbs {
  const start = async (plugin: PluginView) => {
    if (plugin.manifest?.activation.includes('startup') === true)
      await steer.want(plugin, 'source');
  };
  if (installer === undefined)
    return {
      start,
      add: (found) => steer.add(found),
      replace: async (plugin, found) => void (await steer.replace(plugin, found)),
      remove: (plugin) => steer.remove(plugin),
    };
  const consent = (owner: string | undefined) => (owner === undefined ? {} : { owner });
  return {
    start,
    async add(found, owner) {
      const id = await installer.install(found, consent(owner));
      const own = plugins.all().filter((one) => one.id === id);
      return viewOf(own, found.origin) as PluginView;
    },
    replace: (plugin, found, owner) => installer.reload(plugin.key, found, consent(owner)),
    remove: (plugin) =>
      // A plugin that could not be read has no id by which anything would be remembered.
      plugin.manifest === undefined ? steer.remove(plugin) : installer.uninstall(plugin.key),
  };
}

/** The plugin of a place. */
const viewOf = (all: readonly PluginView[], origin: string) =>
  all.find((one) => one.package?.origin === origin);
