/** `steer`: lets an extension decide which plugins run. */
import { createError, disposable, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import { isRunning, type PluginRecord, type ValidatedPlugin } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { PluginViews } from './plugin-views.js';
import type { Pause, PauseReason, SteerPower } from './powers.js';
import type { PluginView } from './views.js';

/** The verbs of the lifecycle that steering uses. Plugins are named by their registry keys. */
export interface Steered {
  validate(found: PluginPackage): ValidatedPlugin;
  add(record: ValidatedPlugin): Promise<void>;
  remove(key: string): Promise<void>;
  activate(key: string, activatedBy: string, named: boolean): Promise<void>;
  deactivate(key: string): Promise<void>;
  suspend(key: string): Promise<void>;
  sleep(key: string): Promise<boolean>;
  suspendOver(guest: object, blame: () => PluginError): Promise<void>;
  resumeOver(guest: object): Promise<void>;
  reload(key: string, next: ValidatedPlugin, how: { readonly stateless: boolean }): Promise<string>;
}

/** What steering needs of the kernel. */
export interface SteeringParts {
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
    const record = parts.registry.get(plugin.key);
    if (record !== undefined) return record;
    throw createError('plugin/not-found', `no plugin '${plugin.key}' is installed`, {
      plugin: plugin.id,
    });
  };
  return {
    want: async (plugin, reason) =>
      (await parts.lifecycle()).activate(require(plugin).key, reason, false),
    pause: (plugin, reason) => pause(parts, plugin, reason),
    async add(found) {
      const lifecycle = await parts.lifecycle();
      const record = lifecycle.validate(found);
      await lifecycle.add(record);
      return views.of(record.key);
    },
    remove: async (plugin) => (await parts.lifecycle()).remove(require(plugin).key),
    async replace(plugin, next, { state = 'hand-over' } = {}) {
      const lifecycle = await parts.lifecycle();
      const { key } = require(plugin);
      return views.of(
        await lifecycle.reload(key, lifecycle.validate(next), { stateless: state === 'drop' }),
      );
    },
    setEnabled: (plugin, enabled) =>
      enabled ? parts.enable(require(plugin).key) : parts.disable(require(plugin).key),
  };
}

function pause(parts: SteeringParts, plugin: PluginView, reason: PauseReason): Pause {
  const { registry } = parts;
  const { key } = plugin;
  if (reason.calls === 'wake' && reason.guest === 'keep')
    throw createError(
      'kernel/invalid-option',
      `the pause '${reason.name}' of ${plugin.id} cannot keep its guest and be ended by a call: say guest: 'release'`,
      { plugin: plugin.id },
    );
  const settled = parts
    .lifecycle()
    .then((lifecycle) => begin(lifecycle, registry.get(key), reason));
  settled.catch(() => {});
  const resume = async () => {
    if (!(await settled.catch(() => false))) return;
    const record = registry.get(key);
    if (record === undefined) return;
    const lifecycle = await parts.lifecycle();
    if (reason.guest === 'keep' && reason.calls === 'refuse' && isRunning(record))
      await lifecycle.resumeOver(record.connection);
    // A plugin that was stopped by name meanwhile stays stopped.
    else if (record.state === pausedState(reason))
      await lifecycle.activate(key, `extension:${reason.name}`, true);
  };
  const registered = disposable(
    () => void resume().catch((error: unknown) => parts.report(`resume ${plugin.id}`, error)),
  );
  return Object.assign(registered, { settled });
}

/** The state that a pause leaves its plugin in. */
const pausedState = ({ calls, guest }: PauseReason): PluginRecord['state'] =>
  guest === 'release' && calls === 'refuse' ? 'unloaded' : 'suspended';

/** Resolves to whether the plugin is paused now. */
async function begin(
  lifecycle: Steered,
  record: PluginRecord | undefined,
  { calls, guest, because }: PauseReason,
): Promise<boolean> {
  if (record?.state !== 'active') return false;
  const { key } = record;
  if (guest === 'release' && calls === 'refuse') {
    await lifecycle.deactivate(key);
    return true;
  }
  if (guest === 'release') {
    const asleep = await lifecycle.sleep(key);
    if (asleep && calls === 'queue') await lifecycle.suspend(key);
    return asleep;
  }
  if (calls === 'queue') await lifecycle.suspend(key);
  else await lifecycle.suspendOver(record.connection, () => refusal(record, because()));
  return true;
}

const refusal = ({ id }: PluginRecord, because: string): PluginError =>
  createError('plugin/unavailable', `${id} is paused: ${because}`, {
    plugin: id,
    retryable: true,
  });
