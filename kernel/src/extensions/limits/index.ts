/**
 * `@plinth/kernel/limits`: how much plugins may use, each and together.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { ResourcePolicy } from './resource-policy.js';

export type { ResourceLimits, ResourcePolicy, TenantLimits } from './resource-policy.js';

/**
 * Measures guests, and holds them to the limits of the policy and of their manifests. A policy that
 * makes no sense lets `start()` fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({ extensions: [limits({ default: { memory: '64MB' } })] });
 */
export const limits = makeExtension(
  { name: 'limits', uses: ['core'] },
  (policy: ResourcePolicy = {}) => ({
    install({ core }) {
      core.fill('metering', async () => {
        const [{ ResourceWatch }, { checkResources }] = await Promise.all([
          import('./resource-watch.js'),
          import('./resource-policy.js'),
        ]);
        checkResources(policy);
        return (tenant) =>
          new ResourceWatch({
            policy,
            ...tenant.reporting,
            suspend: (guest, blame) => tenant.lifecycle.suspendOver(guest, blame),
            resume: (guest) => tenant.lifecycle.resumeOver(guest),
          });
      });
    },
  }),
);
