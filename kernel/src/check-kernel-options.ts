/** Checks the options of a kernel with built-in extensions. */
import { messageOf } from '@plinth/sdk/contract';
import { missingExtension } from './absent-extension.js';
import { checkNames, checkOptions } from './check-options.js';
import { checkPolicy } from './check-policy.js';
import { isSource } from './config/config-store.js';
import { retentionOf } from './extensions/audit/audit-options.js';
import { checkHibernation } from './extensions/hibernation/hibernation-options.js';
import { checkMetrics } from './extensions/metrics/metrics-options.js';
import { checkResilience } from './extensions/resilience/check-policies.js';
import { checkSecrets } from './extensions/secrets/secrets-options.js';
import { supervisionOf } from './extensions/supervision/options.js';
import type { CoreOptions } from './kernel-options.js';
import { objectAt, wrong } from './option-checks.js';
import type { KernelOptions } from './preset-options.js';

/** Built-in extensions with nothing to set. */
const SWITCHES = [
  'grants',
  'installer',
  'liveConfig',
  'messaging',
  'network',
  'trust',
] as const satisfies readonly (keyof KernelOptions)[];

/** What the preset says of its extensions. */
export interface Chosen {
  /** Names of all built-in extensions. */
  readonly names: readonly string[];
  optionOf(name: string): keyof KernelOptions;
  /** Names of built-in extensions that are left out. */
  readonly absent: ReadonlySet<string>;
}

/**
 * @throws PluginConfigurationError `kernel/invalid-option`, `extension/missing` for an option of an
 * extension that is left out.
 */
export function checkKernelOptions(options: KernelOptions, core: CoreOptions, made: Chosen): void {
  checkNames(options, made.names.map(made.optionOf));
  for (const name of SWITCHES)
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw wrong(name, `must be a boolean, not ${messageOf(options[name])}`);
  const { hibernation, metrics, resilience, secrets, services, config } = options;
  if (services !== false && services !== undefined) objectAt('services', services);
  if (resilience !== false && resilience !== undefined) objectAt('resilience', resilience);
  if (hibernation !== false) checkHibernation(hibernation);
  if (metrics !== undefined && typeof metrics !== 'boolean') checkMetrics(metrics);
  if (resilience !== false) checkResilience(resilience);
  supervisionOf(options.supervision);
  retentionOf(options.audit);
  if (secrets !== false) checkSecrets(secrets);
  for (const name of made.absent) {
    // The option `limits` is the core's, too.
    const given = name === 'limits' ? undefined : options[made.optionOf(name)];
    if (given !== undefined && given !== false) throw missingExtension(made.optionOf(name));
  }
  const sources = [config?.global, config?.user];
  if (made.absent.has('live-config') && sources.some((one) => one !== undefined && isSource(one)))
    throw missingExtension('liveConfig');
  checkPolicy(options.policy, made.absent);
  checkOptions(core);
}
