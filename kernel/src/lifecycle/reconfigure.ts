/** Hands changed settings to the running versions of a plugin. */
import { isRunning } from '../plugin/record.js';
import type { Core } from './core.js';

/**
 * Rejects with a refusal, and the plugin then keeps the old settings.
 *
 * @param taken gets the keys of the versions that have taken them.
 * @param only the versions that they are for; all when absent.
 */
export async function reconfigure(
  { registry, stages, steering }: Core,
  id: string,
  taken: Set<string>,
  only?: ReadonlySet<string>,
): Promise<void> {
  for (const record of registry.versions(id)) {
    if (!isRunning(record) || (record.state !== 'active' && record.state !== 'suspended')) continue;
    if (only?.has(record.key) === false) continue;
    const settings = stages.config.of(record.manifest);
    const answer = await record.connection.ask('configure', stages.limits.hook, settings);
    taken.add(record.key);
    if (answer === 'restart') await steering.reload(record.key);
  }
}
