/** Stage 5: hand the configuration over, when it fits the manifest's schema; the plugin's own has the last word. */
import type { KernelParts } from '../parts.js';
import type { InitializedPlugin, LoadedPlugin } from '../record.js';

/** @throws PluginConfigurationError `config/invalid` with every issue. */
export async function initialize(record: LoadedPlugin, parts: KernelParts): Promise<InitializedPlugin> {
  const config = await parts.config.checked(record.manifest);
  await record.connection.ask('configure', parts.limits.hook, config);
  return { ...record, state: 'initialized', config };
}
