/** Stage 5: hand the configuration over, when it fits the manifest's schema; the plugin's own has the last word. */
import type { KernelParts } from '../parts.js';
import type { ActivePlugin, InitializedPlugin, LoadedPlugin, SuspendedPlugin } from '../record.js';

/** @throws PluginConfigurationError `config/invalid` with every issue. */
export async function initialize(record: LoadedPlugin, parts: KernelParts): Promise<InitializedPlugin> {
  const configRevision = parts.config.revision(record.id);
  const config = await parts.config.checked(record.manifest);
  await record.connection.ask('configure', parts.limits.hook, config);
  return { ...record, state: 'initialized', config, configRevision, restart: false };
}

/** Whether settings have changed while a plugin started: who changes them tells only those that run. */
export function isBehind({ id, configRevision }: ActivePlugin | SuspendedPlugin, parts: KernelParts): boolean {
  return parts.config.revision(id) !== configRevision;
}

/**
 * Hands over what has changed while it started, before anybody can ask it.
 *
 * @throws PluginConfigurationError `config/invalid`, or what the plugin refuses it with.
 */
export async function catchUp<R extends ActivePlugin | SuspendedPlugin>(record: R, parts: KernelParts): Promise<R> {
  const configRevision = parts.config.revision(record.id);
  const config = await parts.config.checked(record.manifest);
  const answer = await record.connection.ask('configure', parts.limits.hook, config);
  return { ...record, config, configRevision, restart: record.restart || answer === 'restart' };
}
