/** `steer`: lets an extension decide which plugins run. */
import { createError, disposable, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { PausedBy, Plugin, Pause as PluginPause } from '../plugin/plugin.js';
import { isRunning, type PluginRecord, type ValidatedPlugin } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { checkShape } from './check-arguments.js';
import type { PluginViews } from './plugin-views.js';
import type { Pause, PauseReason, SteerPower } from './powers.js';
import type { PluginView } from './views.js';

/** The verbs of the lifecycle that steering uses. Plugins are named by their registry keys. */
export interface Steered {
  readonly members: {
    validate(found: PluginPackage): ValidatedPlugin;
    add(record: ValidatedPlugin): Promise<void>;
    remove(key: string): Promise<void>;
    checkAgain(): Promise<void>;
  };
  activate(key: string, activatedBy: string, named: boolean): Promise<void>;
  deactivate(key: string): Promise<void>;
  sleep(key: string): Promise<boolean>;
  /** Answers what ends the pause, or undefined for a plugin that doesn't run. */
  pause(key: string, by: PausedBy, pause: PluginPause): Promise<(() => Promise<void>) | undefined>;
  reload(key: string, next: ValidatedPlugin, how: { readonly stateless: boolean }): Promise<string>;
}

/** What steering needs of the kernel. */
export interface SteeringParts {
  /** The extension that steers. */
  readonly name: string;
  readonly registry: PluginRegistry;
  /** What runs plugins. It is loaded when the kernel starts. */
  lifecycle(): Promise<Steered>;
  readonly views: PluginViews;
  enable(reference: string): Promise<void>;
  disable(reference: string): Promise<void>;
  report(what: string, error: unknown): void;
}

/** Makes the power `steer`. */
export function createSteering(parts: SteeringParts): SteerPower {
  const { views } = parts;
  const require = (plugin: PluginView): PluginRecord => {
    const { key } = Object(plugin) as PluginView;
    const record = parts.registry.get(key);
    if (record === undefined) throw notFound(plugin);
    return record;
  };
  return {
    want: async (plugin, reason) =>
      (await parts.lifecycle()).activate(require(plugin).key, reason, false),
    pause: (plugin, reason) => pause(parts, plugin, reason),
    async add(found) {
      const { members } = await parts.lifecycle();
      const record = members.validate(found);
      await members.add(record);
      return views.of(record.key);
    },
    remove: async (plugin) => (await parts.lifecycle()).members.remove(require(plugin).key),
    async replace(plugin, next, { state = 'hand-over' } = {}) {
      const lifecycle = await parts.lifecycle();
      const { key } = require(plugin);
      return views.of(
        await lifecycle.reload(key, lifecycle.members.validate(next), {
          stateless: state === 'drop',
        }),
      );
    },
    setEnabled: async (plugin, enabled) =>
      enabled ? parts.enable(require(plugin).key) : parts.disable(require(plugin).key),
  };
}

const notFound = (plugin: PluginView): PluginError => {
  const { key, id } = Object(plugin) as PluginView;
  return createError('plugin/not-found', `no plugin '${key}' is installed`, { plugin: id });
};

const REASON = {
  name: 'string',
  calls: ['queue', 'refuse', 'wake'],
  guest: ['keep', 'release'],
  because: 'function',
} as const;

function pause(parts: SteeringParts, plugin: PluginView, reason: PauseReason): Pause {
  checkShape(`pause() of the extension '${parts.name}'`, reason, REASON);
  if (typeof Object(plugin).key !== 'string') throw notFound(plugin);
  if (reason.calls === 'wake' && reason.guest === 'keep')
    throw createError(
      'kernel/invalid-option',
      `the pause '${reason.name}' of ${plugin.id} cannot keep its guest and be ended by a call: say guest: 'release'`,
      { plugin: plugin.id },
    );
  const held = begin(parts, plugin, reason);
  held.catch(() => {});
  const release = async () => (await held.catch(() => undefined))?.();
  const registered = disposable(
    () => void release().catch((error: unknown) => parts.report(`resume ${plugin.id}`, error)),
  );
  return Object.assign(registered, { settled: held.then((end) => end !== undefined) });
}

/** Resolves to what ends the pause, or to undefined for a plugin that is not paused. */
async function begin(
  { registry, lifecycle: load, name }: SteeringParts,
  plugin: PluginView,
  { name: reason, calls, guest, because }: PauseReason,
): Promise<(() => Promise<void>) | undefined> {
  const lifecycle = await load();
  const paused = registry.plugin(plugin.key);
  if (paused === undefined) return undefined;
  const { record } = paused;
  const { intent } = paused;
  const by = `extension:${name}:${reason}` as const;
  const activate = () => lifecycle.activate(plugin.key, by, true);
  const stopped = STOPPED.get(paused);
  if (record.state === 'unloaded' && stopped !== undefined && stopped.pauses.size > 0)
    return guest === 'release' && calls === 'refuse' ? join(paused, stopped, activate) : undefined;
  if (record.state !== 'active' && record.state !== 'suspended') return undefined;
  const isPaused = paused.intent.pausedBy.size > 0;
  if (guest === 'release' && calls === 'refuse' && !isPaused) {
    await lifecycle.deactivate(plugin.key);
    return join(paused, { pauses: new Set(), stoppedAt: intent.stoppedAt }, activate);
  }
  // Its guest stays with a plugin that something else pauses.
  const keeps = isRunning(record) && record.state === 'suspended';
  if (guest === 'release' && calls !== 'refuse') {
    if (keeps || !(await lifecycle.sleep(plugin.key))) return undefined;
    // A plugin that was started, stopped or paused by others meanwhile is theirs.
    if (calls === 'wake')
      return async () => {
        if (paused.record.state === 'suspended' && paused.intent.pausedBy.size === 0)
          await activate();
      };
  }
  const told = () => reasonOf(name, because);
  const refuse = () => refusal(record, told());
  return lifecycle.pause(plugin.key, by, { because: told, ...(calls === 'refuse' && { refuse }) });
}

/** Why a plugin was stopped by pauses. */
interface Stopped {
  readonly pauses: Set<object>;
  /** The word that stopped it for them. A later stop is by name, and outlasts the pauses. */
  readonly stoppedAt: number;
}

/** Plugins that pauses have stopped. Each starts when the last one of them is over. */
const STOPPED = new WeakMap<Plugin, Stopped>();

/** Adds a pause to those for which a plugin was stopped. Answers what ends it. */
function join(
  plugin: Plugin,
  stopped: Stopped,
  activate: () => Promise<void>,
): () => Promise<void> {
  const own = {};
  stopped.pauses.add(own);
  STOPPED.set(plugin, stopped);
  return async () => {
    stopped.pauses.delete(own);
    // Started by name and stopped by others meanwhile, it is theirs.
    if (stopped.pauses.size > 0 || STOPPED.get(plugin) !== stopped) return;
    STOPPED.delete(plugin);
    if (plugin.record.state === 'unloaded' && plugin.intent.stoppedAt === stopped.stoppedAt)
      await activate();
  };
}

/** The reason of a pause. It comes from an extension, so it may fail. */
function reasonOf(extension: string, because: () => string): string {
  try {
    return String(because());
  } catch {
    return `the extension '${extension}' pauses it`;
  }
}

const refusal = ({ id }: PluginRecord, because: string): PluginError =>
  createError('plugin/unavailable', `${id} is paused: ${because}`, {
    plugin: id,
    retryable: true,
  });
