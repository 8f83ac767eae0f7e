/**
 * `@plinth/kernel/trust`: how far packages are trusted, and who has signed them.
 *
 * @module
 */
import { messageOf } from '@plinth/sdk/contract';
import { makeExtension } from '../../extension/make-extension.js';
import type { TrustDecisions } from './trust-policy.js';

export type {
  SignaturePolicy,
  TrustDecisions,
  TrustFacts,
  TrustPolicy,
  TrustRule,
} from './trust-policy.js';

/**
 * Decides the trust in packages, and checks their signatures at each load. Decisions that make no
 * sense let `start()` fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({
 *   extensions: [trust({ trust: [{ level: 'partner', publishers: ['acme'] }], signatures: { keys } })],
 * });
 */
export const trust = makeExtension(
  { name: 'trust', uses: ['core', 'events'] },
  (policy: TrustDecisions = {}) => ({
    install({ core, events, log, own }) {
      const made = core.fill('trust', async () => {
        const [{ Trust }, { checkTrustDecisions }] = await Promise.all([
          import('./trust.js'),
          import('./check-trust.js'),
        ]);
        checkTrustDecisions(policy);
        return (tenant) =>
          new Trust({
            policy,
            limits: tenant.limits,
            storage: tenant.storage,
            tenant: tenant.tenant,
            offers: (isolation) => tenant.offers(isolation),
            announce: tenant.reporting.announce,
          });
      });
      if (policy.signatures !== undefined) {
        const pending = new Set<Promise<void>>();
        // A canary may be taken back: the version before must be able to start then.
        events.on('plugin:activated', ({ id, version, activatedBy }) => {
          if (activatedBy === 'canary' || version === undefined) return;
          const kept = made()
            .then((trust) => trust.ran(id, version))
            .catch((error: unknown) =>
              log.error(`could not keep that ${id} ${version} has run: ${messageOf(error)}`),
            )
            .finally(() => pending.delete(kept));
          pending.add(kept);
        });
        own(() => Promise.all(pending));
      }
      core.keep({ kind: 'trust', purge: async (plugin) => (await made()).forget(plugin) });
    },
  }),
);
