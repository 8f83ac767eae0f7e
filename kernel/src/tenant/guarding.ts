/** The plugins that may guard actions of others, by what their manifests may do. */
import type { Manifest } from '@plinth/sdk/contract';
import type { Absence } from '../calls/layers.js';
import { parsedManifest } from '../lifecycle/validate.js';
import { type GuardCandidate, mayGuard } from '../middleware/absent-guards.js';
import type { Grants } from '../permissions/grants.js';
import { manifestOf, type PluginRecord } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** What guarding needs of the kernel. */
export interface GuardingParts {
  readonly registry: PluginRegistry;
  readonly grants: Grants;
  /** Starts a plugin that only a call would start. */
  wake(record: PluginRecord, activation: string): void;
  absenceOf(id: string, record: PluginRecord | undefined): Absence;
}

/** Answers for the plugins of one tenant. */
export class Guarding {
  readonly #parts: GuardingParts;

  constructor(parts: GuardingParts) {
    this.#parts = parts;
  }

  /**
   * Whether a plugin may guard actions of others. One that doesn't fit this kernel may, but not one
   * that isn't meant to run here.
   */
  isGuard(record: PluginRecord): boolean {
    return this.#manifestOf(record) !== undefined;
  }

  /** Every enabled plugin that may be a guard. */
  candidates(): readonly GuardCandidate[] {
    return this.#parts.registry.all().flatMap((record) => this.#candidate(record) ?? []);
  }

  #manifestOf(record: PluginRecord): Manifest | undefined {
    const known =
      manifestOf(record) ??
      (record.state === 'failed' ? parsedManifest(record.package) : undefined);
    if (known === undefined || record.state === 'denied') return undefined;
    if (!mayGuard(known) && !this.#parts.grants.mayGuard(known)) return undefined;
    const { details } = (record.state === 'failed' ? record.error : {}) as {
      details?: { runtimes?: unknown };
    };
    return details?.runtimes !== undefined ? undefined : known;
  }

  #candidate(record: PluginRecord): GuardCandidate | undefined {
    const { registry, wake, absenceOf } = this.#parts;
    const manifest = this.#manifestOf(record);
    if (manifest === undefined || !registry.isEnabled(record.key)) return undefined;
    const { key, state } = record;
    return {
      id: manifest.id,
      manifest,
      present: state === 'active' || state === 'suspended',
      wake: (activation) => wake(record, activation),
      absence: () => absenceOf(manifest.id, registry.get(key)),
    };
  }
}
