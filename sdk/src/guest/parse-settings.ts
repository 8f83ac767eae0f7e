/** Parses the settings of a plugin with its own schema. */
import { createSharedError } from '../contract/errors.js';
import { describeIssues, parseSchema } from '../contract/schema.js';
import type { Plugin } from '../plugin.js';

/**
 * The settings as the plugin sees them.
 *
 * @throws PluginConfigurationError `config/invalid`.
 */
export async function parseSettings(
  plugin: Plugin,
  id: string,
  settings: unknown,
): Promise<unknown> {
  if (plugin.config === undefined) return settings;
  const parsed = await parseSchema(plugin.config, settings);
  if (parsed.ok) return parsed.value;
  throw createSharedError(
    'config/invalid',
    `the configuration of ${id} is not valid: ${describeIssues(parsed.issues)}`,
    { plugin: id, details: { issues: parsed.issues } },
  );
}
