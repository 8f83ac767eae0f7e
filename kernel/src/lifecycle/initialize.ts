/**
 * Stage 5: hands the configuration over when it fits the manifest's schema. The plugin may still
 * refuse it.
 */
import type {
  ActivePlugin,
  InitializedPlugin,
  LoadedPlugin,
  SuspendedPlugin,
} from '../plugin/record.js';
import type { Stages } from './stages.js';

/** @throws PluginConfigurationError `config/invalid` with every issue. */
export async function initialize(
  record: LoadedPlugin,
  parts: Pick<Stages, 'config' | 'limits'>,
): Promise<InitializedPlugin> {
  const began = performance.now();
  const configRevision = parts.config.revision(record.id);
  const config = await parts.config.checked(record.manifest);
  await record.connection.ask('configure', parts.limits.hook, config);
  const phases = { ...record.phases, configure: performance.now() - began };
  return { ...record, state: 'initialized', config, configRevision, restart: false, phases };
}

/**
 * Whether settings have changed while a plugin started. A change is only sent to plugins that run.
 */
export function isBehind(
  { id, configRevision }: ActivePlugin | SuspendedPlugin,
  parts: Pick<Stages, 'config'>,
): boolean {
  return parts.config.revision(id) !== configRevision;
}

/**
 * Hands over the settings that changed during the start, before the plugin can be called.
 *
 * @throws PluginConfigurationError `config/invalid`, or the plugin's refusal.
 */
export async function catchUp<R extends ActivePlugin | SuspendedPlugin>(
  record: R,
  parts: Pick<Stages, 'config' | 'limits'>,
): Promise<R> {
  const configRevision = parts.config.revision(record.id);
  const config = await parts.config.checked(record.manifest);
  const answer = await record.connection.ask('configure', parts.limits.hook, config);
  return { ...record, config, configRevision, restart: record.restart || answer === 'restart' };
}
