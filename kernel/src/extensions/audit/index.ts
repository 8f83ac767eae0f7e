/**
 * `@plinth/kernel/audit`: the log of decisions about plugins and of what they attempted.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { AuditRange, HostAudit } from './audit-entry.js';
import type { AuditOptions } from './audit-options.js';

export type {
  AuditEntry,
  AuditFault,
  AuditFaultKind,
  AuditHead,
  AuditRange,
  AuditTopic,
  AuditVerdict,
  ChainEnd,
  HostAudit,
  PinState,
} from './audit-entry.js';
export type { AuditOptions, AuditRetention } from './audit-options.js';
export { type ExportVerdict, verifyExport } from './verify-export.js';

/**
 * Keeps the audit log of each tenant in the kernel's storage. Options that make no sense let
 * `start()` fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({ extensions: [audit({ retain: { entries: 50_000 } })] });
 * const entries = await kernel.extension(audit).entries({ topic: 'permission:denied' });
 */
export const audit = makeExtension(
  { name: 'audit', uses: ['core'] },
  (options: AuditOptions | true = {}) => ({
    install({ core }): HostAudit {
      const made = core.add(async () => (await import('./audit-log.js')).auditOf(options));
      return {
        entries: async (filter) => (await made()).entries(filter),
        verify: async (pinned) => (await made()).verify(pinned),
        head: async () => (await made()).head(),
        add: async (...what) => (await made()).add(...what),
        async *export(range?: AuditRange) {
          yield* (await made()).export(range);
        },
      };
    },
  }),
);
