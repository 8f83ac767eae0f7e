/**
 * The extensions of one tenant: installed in order, opened before plugins are discovered, and ended
 * in reverse.
 */
import { alarm, createError, disposable, messageOf, type PluginError } from '@plinth/sdk/contract';
import { missingExtension } from '../absent-extension.js';
import { contained, refuseLater } from '../contained.js';
import { checkKind, checkShape } from './check-arguments.js';
import type { ExtensionDiagnostics } from './extending.js';
import { Inspections, within } from './inspections.js';
import { Owned } from './owned.js';
import type { Phase, PortBase } from './port.js';
import { POWERS } from './power.js';
import type { Powers } from './powers.js';
import type { AnyExtension, AnyFactory } from './statics.js';
import type { Registered } from './views.js';

/** The parts of a port beside its own bookkeeping. */
export interface PortParts {
  /** What is the same for all extensions. */
  readonly base: Pick<PortBase, 'tenant' | 'tenants' | 'limits' | 'runtime' | 'plugins'>;
  /** Milliseconds for each phase of an extension, and for each end. */
  readonly time: number;
  log(extension: string, keep: Keep): PortBase['log'];
  report(extension: string, what: string, error: unknown): void;
  /** Makes a power for an extension. `keep` records its registrations. */
  power<P extends keyof Powers>(name: P, extension: AnyExtension, keep: Keep): Powers[P];
}

/** Ends a registration when the tenant has stopped. */
export type Keep = <R extends Registered>(registered: R) => R;

/** Owns the registrations and resources of a tenant's extensions. */
export class TenantExtensions {
  readonly #ordered: readonly AnyExtension[];
  readonly #parts: PortParts;
  readonly #apis = new Map<AnyFactory, unknown>();
  readonly #phases: Record<Phase, { readonly extension: string; task(): unknown }[]> = {
    open: [],
    started: [],
    stopping: [],
  };
  readonly #inspections: Inspections;
  readonly #owned: Owned;
  /** Phases whose tasks have all been run. */
  readonly #over = new Set<Phase>();

  /** @param ordered the extensions in their order. */
  constructor(ordered: readonly AnyExtension[], parts: PortParts) {
    this.#ordered = ordered;
    this.#parts = parts;
    this.#inspections = new Inspections(parts);
    this.#owned = new Owned(parts.report);
  }

  /**
   * @throws PluginError `extension/failed`. Extensions that were installed before are then ended,
   * the latest first.
   */
  install(): void {
    for (const one of this.#ordered) {
      try {
        const api: unknown = one.install(this.#portOf(one) as never);
        refuseLater(api, 'its install()');
        this.#apis.set(one.factory, api);
      } catch (cause) {
        const { name } = one.statics;
        this.#owned.endAtOnce();
        throw createError(
          'extension/failed',
          `the extension '${name}' could not be installed: ${messageOf(cause)}`,
          { details: { extension: name }, cause },
        );
      }
    }
  }

  /** @throws PluginConfigurationError `extension/missing` with the line to write. */
  api(factory: AnyFactory): unknown {
    if (this.#apis.has(factory)) return this.#apis.get(factory);
    const name = String(factory?.statics?.name ?? 'unknown');
    const copy = this.#ordered.some(({ statics }) => statics.name === name);
    throw copy
      ? missingExtension(
          name,
          `another copy of the extension '${name}' is installed: install its package once`,
        )
      : missingExtension(name);
  }

  /**
   * @throws PluginError `extension/failed`, because an extension that guards plugins must not be
   * left out.
   */
  async open(): Promise<void> {
    for (const { extension, task } of this.#phases.open) {
      try {
        await within(this.#parts.time, task);
      } catch (cause) {
        throw createError(
          'extension/failed',
          `the extension '${extension}' could not open: ${messageOf(cause)}`,
          { details: { extension }, cause },
        );
      }
    }
    this.#over.add('open');
  }

  /** Runs a phase. Failures are logged. `stopping` runs in reverse. */
  async run(phase: Exclude<Phase, 'open'>): Promise<void> {
    const tasks = phase === 'stopping' ? [...this.#phases[phase]].reverse() : this.#phases[phase];
    for (const { extension, task } of tasks) {
      try {
        await within(this.#parts.time, task);
      } catch (error) {
        this.#parts.report(extension, `failed when the kernel was ${phase}`, error);
      }
    }
    this.#over.add(phase);
  }

  /** Ends everything owned, the latest first. */
  end(): Promise<void> {
    return this.#owned.end(this.#parts.time);
  }

  /** @throws PluginUnavailableError `kernel/stopped`. */
  check(): void {
    this.#owned.check();
  }

  /** The API of an extension by its name. Undefined when it isn't installed. */
  find(name: string): unknown {
    const found = this.#ordered.find(({ statics }) => statics.name === name);
    return found && this.#apis.get(found.factory);
  }

  health(): ReturnType<Inspections['health']> {
    return this.#inspections.health();
  }

  diagnostics(): ExtensionDiagnostics {
    return this.#inspections.diagnostics(this.#ordered);
  }

  #portOf(extension: AnyExtension): object {
    const { statics } = extension;
    const port: Record<string, unknown> = { ...this.#baseOf(extension) };
    for (const power of POWERS) {
      const declared = statics.uses.includes(power);
      const take = () =>
        this.#parts.power(power, extension, (one) => this.#owned.keep(statics.name, one));
      const made = declared ? this.#timely(statics.name, power, take()) : undefined;
      Object.defineProperty(port, power, {
        enumerable: declared,
        get: () => {
          if (declared) {
            this.#checkTimely(statics.name, power);
            return made;
          }
          throw createError(
            'extension/undeclared',
            `the extension '${statics.name}' takes the power '${power}', which it doesn't declare: add it to 'uses'`,
            { details: { extension: statics.name, power } },
          );
        },
      });
    }
    return Object.freeze(port);
  }

  /** The same power, whose functions are checked when they are used. */
  #timely(extension: string, power: keyof Powers, made: unknown): unknown {
    if (!STRUCTURE.has(power)) return made;
    const checked = (use: (...args: unknown[]) => unknown) => {
      return (...args: unknown[]) => {
        this.#checkTimely(extension, power);
        return use(...args);
      };
    };
    if (typeof made === 'function') return checked(made as (...args: unknown[]) => unknown);
    return Object.fromEntries(
      Object.entries(made as Record<string, (...args: unknown[]) => unknown>).map(
        ([name, use]) => [name, checked(use)] as const,
      ),
    );
  }

  /**
   * Powers that shape how plugins start can be used until `open` is over.
   *
   * @throws PluginConfigurationError `extension/late`.
   */
  #checkTimely(extension: string, power: keyof Powers): void {
    if (!this.#over.has('open') || !STRUCTURE.has(power)) return;
    throw late(extension, `takes the power '${power}'`, { power });
  }

  #baseOf(extension: AnyExtension): PortBase {
    const { name } = extension.statics;
    const where = `the port of the extension '${name}'`;
    return {
      name,
      ...this.#parts.base,
      log: this.#parts.log(name, (one) => this.#owned.keep(name, one)),
      own: (thing) => {
        this.#owned.own(name, thing);
        return thing;
      },
      after: (milliseconds, task) => {
        checkKind(where, 'the milliseconds of after()', milliseconds, 'number');
        checkKind(where, 'the task of after()', task, 'function');
        const timer = alarm(() => {
          waiting.dispose();
          this.#guard(name, task);
        }, milliseconds);
        const waiting = this.#owned.keep(
          name,
          disposable(() => timer.clear()),
        );
        return waiting;
      },
      on: (phase, task) => {
        checkKind(where, 'a phase of on()', phase, Object.keys(this.#phases));
        checkKind(where, 'a task of on()', task, 'function');
        if (this.#over.has(phase)) throw late(name, `asks for '${phase}'`, { phase });
        this.#phases[phase].push({ extension: name, task });
      },
      use: (factory) => this.api(factory) as never,
      find: (factory) => this.#apis.get(factory as AnyFactory) as never,
      inspect: (parts) => {
        checkShape(where, parts, { health: 'function?', diagnostics: 'function?' });
        this.#inspections.add(name, parts);
      },
      health: () => this.#inspections.worst(),
    };
  }

  #guard(extension: string, task: () => unknown): void {
    if (this.#owned.hasEnded) return;
    contained(task, (error) => this.#parts.report(extension, 'failed in a task of its own', error));
  }
}

const late = (extension: string, what: string, details: object): PluginError =>
  createError(
    'extension/late',
    `the extension '${extension}' ${what} too late: it registers in install() or in on('open')`,
    { details: { extension, ...details } },
  );

/** Powers that shape how plugins are found and started. */
const STRUCTURE: ReadonlySet<keyof Powers> = new Set([
  'verify',
  'guests',
  'rights',
  'contribute',
  'source',
  'launch',
]);
