/** Checks a whole policy when the kernel is made: what the core enforces, and what extensions do. */

import { missingExtension } from './absent-extension.js';
import { checkCorePolicy } from './check-core-policy.js';
import { checkUpdates } from './extensions/installer/check-updates.js';
import { checkResources } from './extensions/limits/resource-policy.js';
import { checkCommandDefaults } from './extensions/resilience/check-policies.js';
import { checkTrustDecisions } from './extensions/trust/check-trust.js';

/** The extension that enforces each decision. */
const ENFORCED_BY: Readonly<Record<string, string>> = {
  resources: 'limits',
  updates: 'installer',
  commands: 'resilience',
  trust: 'trust',
  signatures: 'trust',
};

/**
 * @param absent names of built-in extensions that are left out.
 * @throws PluginConfigurationError `kernel/invalid-option` that names the option,
 * `extension/missing` for a decision that nothing would enforce.
 */
export function checkPolicy(policy: unknown, absent: ReadonlySet<string> = new Set()): void {
  if (policy === undefined) return;
  checkCorePolicy(policy, Object.keys(ENFORCED_BY));
  const given = policy as Readonly<Record<string, unknown>>;
  checkResources(given.resources);
  checkCommandDefaults(given.commands);
  checkUpdates(given.updates);
  const { trust, signatures } = given;
  checkTrustDecisions({ trust, signatures });
  for (const [decision, extension] of Object.entries(ENFORCED_BY))
    if (given[decision] !== undefined && absent.has(extension)) throw missingExtension(extension);
}
