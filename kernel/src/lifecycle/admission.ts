/**
 * From packages to resolved plugins: reads manifests, assigns ids, resolves dependencies. Starts
 * nothing.
 */
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { Grants } from '../permissions/grants.js';
import {
  asValidated,
  type DiscoveredPlugin,
  manifestOf,
  type PluginRecord,
  type ResolvedPlugin,
  type ValidatedPlugin,
} from '../plugin/record.js';
import type { Reporting } from '../reporting.js';
import { discovered } from './discover.js';
import type { Extending } from './extending.js';
import type { Ledger } from './ledger.js';
import { resolve } from './resolve.js';
import type { Trusting } from './trusting.js';
import { refusalOf, type Surroundings, validate } from './validate.js';

/** Whether a valid package is to be admitted, and whether anything may start it. */
export type Wanted = (record: ValidatedPlugin) => boolean | 'disabled';

/** What admitting needs of the kernel. */
export interface AdmissionParts {
  /** What manifests are checked against. */
  readonly surroundings: Surroundings;
  readonly trust: Pick<Trusting, 'met'>;
  readonly grants: Grants;
  readonly extending: Pick<Extending, 'checkManifest' | 'unknownPoints'>;
  readonly reporting: Reporting;
  /** Whether a source may still find plugins, which others may need. */
  moreMayCome(): boolean;
}

/** Owns the stages before a guest. */
export class Admission {
  readonly #ledger: Ledger;
  readonly #parts: AdmissionParts;
  readonly #problems: PluginError[] = [];

  constructor(ledger: Ledger, parts: AdmissionParts) {
    this.#ledger = ledger;
    this.#parts = parts;
  }

  /** Why discovery found fewer plugins than expected. */
  get problems(): readonly PluginError[] {
    return this.#problems;
  }

  report(problem: PluginError): void {
    this.#problems.push(problem);
    this.#parts.reporting.log.write('kernel', 'error', problem.message, { code: problem.code });
  }

  /**
   * Admits packages. Valid ones take their ids first, so a broken package never blocks a valid one
   * with the same id. One bad plugin never stops the others.
   *
   * @param wanted whether a valid package is to be admitted, and may start.
   */
  admit(packages: readonly PluginPackage[], wanted: Wanted): void {
    const { registry } = this.#ledger;
    const failures: { readonly record: DiscoveredPlugin; readonly error: unknown }[] = [];
    for (const one of packages) {
      const found = discovered(one);
      const record = {
        ...found,
        key: registry.freeName(found.key),
        id: registry.freeName(found.key),
      };
      registry.put(record);
      this.#parts.reporting.announce('plugin:discovered', { id: record.id, origin: record.origin });
      try {
        const validated = this.#validated(record);
        const answer = wanted(validated);
        if (answer === false) {
          registry.remove(record.key);
          continue;
        }
        this.#ledger.plugin(record.key).intent.enabled = answer !== 'disabled';
        const other = registry.get(validated.key);
        if (other !== undefined && other !== record) throw duplicate(validated, other);
        const refusal = refusalOf(validated, this.#parts.surroundings.policy, validated.origin);
        if (refusal !== undefined) {
          this.#ledger.deny(record.key, validated, refusal);
          continue;
        }
        registry.rename(record.key, validated);
        this.#parts.reporting.announce('plugin:validated', {
          id: validated.id,
          version: validated.version,
        });
      } catch (error) {
        failures.push({ record, error });
      }
    }
    for (const { record, error } of failures) {
      const claimed = (Object(error) as Partial<PluginError>).plugin;
      const named =
        claimed === undefined ||
        registry.get(claimed) !== undefined ||
        registry.versions(claimed).length > 0
          ? record
          : { ...record, key: claimed, id: claimed };
      registry.rename(record.key, named);
      this.#ledger.fail(named, 'validate', error);
    }
  }

  /** Reads a package's manifest. Throws what is wrong with it, or why policy refuses it. */
  validate(found: PluginPackage): ValidatedPlugin {
    const validated = this.#validated(discovered(found));
    const refusal = refusalOf(validated, this.#parts.surroundings.policy, validated.origin);
    if (refusal !== undefined) throw refusal;
    return validated;
  }

  #validated(record: DiscoveredPlugin): ValidatedPlugin {
    const validated = validate(record, this.#parts.surroundings);
    this.#parts.trust.met(record.package, validated.manifest);
    const { extending, reporting } = this.#parts;
    extending.checkManifest(record.package, validated.manifest);
    for (const point of extending.unknownPoints(validated.manifest))
      reporting.log.write(
        'kernel',
        'warn',
        `${validated.id} contributes to '${point}', which nothing here reads`,
        { plugin: validated.id },
      );
    return validated;
  }

  /** Whether all extensions take a plugin that is known, as it is. */
  passes(record: PluginRecord): boolean {
    const manifest = manifestOf(record);
    if (manifest === undefined) return true;
    try {
      this.#parts.extending.checkManifest(record.package, manifest);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws PluginResolutionError `plugin/duplicate` when this version is already installed. */
  checkFree(record: ValidatedPlugin): void {
    const other = this.#ledger.registry.get(record.key);
    if (other !== undefined && other.state !== 'failed') throw duplicate(record, other);
  }

  /**
   * Resolves what a plugin would be. Throws if it lacks a dependency, or if a running dependant of
   * what it replaces would.
   *
   * @param replaced the key of the version that it replaces.
   */
  resolveNext(
    next: ValidatedPlugin,
    replaced: string | undefined,
    dependants: readonly PluginRecord[],
  ): ResolvedPlugin {
    const others = this.#candidates().filter(({ key }) => key !== next.key && key !== replaced);
    const resolved = resolve([...others, next], this.#parts.grants, (id) => this.#whyNot(id));
    for (const { key } of [next, ...dependants]) {
      const outcome = resolved.get(key);
      if (outcome instanceof Error) throw outcome;
    }
    return resolved.get(next.key) as ResolvedPlugin;
  }

  /**
   * Resolves plugins without a guest again. A running plugin keeps its guest and gets its current
   * dependencies.
   */
  resolveAll(): void {
    const { registry } = this.#ledger;
    for (const [key, resolved] of resolve(this.#candidates(), this.#parts.grants, (id) =>
      this.#whyNot(id),
    )) {
      const record = registry.get(key) as PluginRecord;
      const failed = record.state === 'failed' && record.stage === 'resolve';
      if (failed || record.state === 'validated' || record.state === 'resolved') {
        if (resolved instanceof Error) {
          // A failure is reported once. Changes to other plugins don't make it a new failure. As
          // long as a source may still find what is missing, it is known but not reported.
          const isEarly = this.#parts.moreMayCome();
          const previous = record.state === 'failed' ? record.previous : record;
          const known = record.state === 'failed' ? record : undefined;
          const isNew = known?.error.message !== resolved.message;
          if (isNew || (known?.isEarly === true && !isEarly))
            this.#ledger.fail(previous, 'resolve', resolved, { isEarly });
        } else if (record.state === 'resolved') registry.put(resolved);
        else this.#ledger.advance(resolved, 'plugin:resolved');
      } else if (record.state === 'failed') {
        // It is tried again with what it would need now.
        const { previous } = record;
        if (!(resolved instanceof Error) && previous.state === 'resolved') {
          const { dependencies, level } = resolved;
          registry.put({ ...record, previous: { ...previous, dependencies, level } });
        }
      } else if (
        !(resolved instanceof Error) &&
        record.state !== 'discovered' &&
        record.state !== 'denied'
      ) {
        const { dependencies, level } = resolved;
        const same =
          'level' in record &&
          record.level === level &&
          record.dependencies.join() === dependencies.join();
        if (!same) registry.put({ ...record, dependencies, level } as PluginRecord);
      }
    }
  }

  /** Why a plugin that another one needs isn't available, where that is known. */
  #whyNot(id: string): string | undefined {
    const denied = this.#ledger.registry.versions(id).find(({ state }) => state === 'denied');
    return denied?.state === 'denied' ? denied.error.message : undefined;
  }

  /**
   * A plugin that failed after resolving can still be a dependency, because it may be started
   * again.
   */
  #candidates(): readonly ValidatedPlugin[] {
    return this.#ledger.registry.all().flatMap((record) => {
      if (record.state === 'discovered' || record.state === 'denied') return [];
      if (record.state !== 'failed') return [asValidated(record)];
      const kept =
        record.previous.state === 'resolved' ||
        (record.stage === 'resolve' && record.previous.state === 'validated');
      return kept ? [asValidated(record.previous as ValidatedPlugin | ResolvedPlugin)] : [];
    });
  }
}

function duplicate(record: ValidatedPlugin, other: PluginRecord): PluginError {
  return createError(
    'plugin/duplicate',
    `two plugins are called ${record.id}: ${record.version} in ${record.origin}, and the same in ${other.origin}; the first one found is used`,
    {
      plugin: record.id,
      details: {
        origins: [other.origin, record.origin],
        versions: [record.version, record.version],
      },
    },
  );
}
