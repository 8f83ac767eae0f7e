/** The extensions of one tenant, and the points of its application. */
import { disposable } from '@plinth/sdk/contract';
import type { PluginSource } from '../host.js';
import type { KernelTopic } from '../kernel-events.js';
import type { Limits } from '../limits.js';
import { manifestOf } from '../plugin/record.js';
import type { Log, LogSink } from '../telemetry/logger.js';
import { openPoints } from './application-points.js';
import { checkKind } from './check-arguments.js';
import type { ContributionOptions } from './contributions.js';
import { type Contribution, type ExtensionHost, unknownPoint } from './extending.js';
import { followed } from './followed-sources.js';
import { orderExtensions } from './order.js';
import { ExtensionPlaces } from './places.js';
import { type PluginViewParts, PluginViews } from './plugin-views.js';
import type { PowerParts } from './power-parts.js';
import { powerOf } from './powers-of.js';
import type { AnyExtension, AnyFactory } from './statics.js';
import { createSteering, type Steered, type SteeringParts } from './steering.js';
import { TenantExtensions } from './tenant-extensions.js';

export { checkPoints } from './application-points.js';

/** The parts that exist when a tenant begins. */
export interface ExtendParts extends PluginViewParts {
  /** The extensions in their order. */
  readonly extensions: readonly AnyExtension[];
  readonly contributions: ContributionOptions | undefined;
  readonly limits: Limits;
  readonly log: Log;
}

/** The parts that exist when a tenant is complete. */
export interface InstallParts
  extends Omit<PowerParts, 'places' | 'views' | 'steer'>,
    Pick<SteeringParts, 'enable' | 'disable'> {
  lifecycle(): Promise<Steered>;
  readonly runtime: string | undefined;
  readonly tenants: 'only' | undefined;
}

/**
 * The extensions of a kernel in their order, with the one that follows sources, if any can be.
 *
 * @param sources of the kernel. Extensions add theirs later.
 * @throws PluginConfigurationError `extension/…`.
 */
export function extensionsOf(
  extensions: readonly AnyExtension[],
  sources: readonly PluginSource[],
): readonly AnyExtension[] {
  const mayWatch =
    sources.some(({ watch }) => watch !== undefined) ||
    extensions.some(({ statics: { uses } }) => uses.includes('source'));
  if (!mayWatch) return orderExtensions(extensions);
  const installer = extensions.find(({ statics }) => statics.name === 'installer')?.factory;
  return orderExtensions([...extensions, followed(sources, installer)]);
}

/** Owns the extensions of one tenant. */
export class ExtendedTenant extends ExtensionPlaces implements ExtensionHost {
  readonly #parts: ExtendParts;
  readonly #plugins: PluginViews;
  readonly #applicationPoints: { load(): Promise<void> };
  #extensions: TenantExtensions | undefined;
  #lifecycle!: () => Promise<Steered>;

  /** @throws PluginConfigurationError `kernel/invalid-option` for an invalid point. */
  constructor(parts: ExtendParts) {
    const views = new PluginViews(parts);
    super({ extensions: parts.extensions, log: parts.log, limits: parts.limits, views });
    this.#parts = parts;
    this.#plugins = views;
    this.#applicationPoints = openPoints(this.points, parts.contributions);
  }

  /**
   * @throws PluginError `extension/failed`. Extensions that were installed before are ended then.
   */
  install(parts: InstallParts): void {
    const { limits, log, registry, extensions } = this.#parts;
    const { tenant, tenants, runtime, redaction, enable, disable } = parts;
    const lifecycle = () => {
      this.#installed.check();
      return parts.lifecycle();
    };
    this.#lifecycle = lifecycle;
    const views = this.#plugins;
    const steerFor = (name: string) =>
      createSteering({
        name,
        registry,
        lifecycle,
        views,
        enable,
        disable,
        report: (what, error) => this.report(name, `could not ${what}`, error),
      });
    this.#extensions = new TenantExtensions(extensions, {
      base: {
        tenant,
        tenants,
        limits: { hook: limits.hook, swap: limits.swap },
        runtime,
        plugins: { all: () => views.all(), get: (id, range) => views.get(id, range) },
      },
      time: limits.open,
      log: (name, keep) => ({
        ...log.logger(`extension:${name}`),
        hide(text) {
          checkKind(`the log of the extension '${name}'`, 'what it hides', text, 'string');
          redaction.add(text);
        },
        sink: (take) => {
          // Its own, so that two of the same function are two.
          const own: LogSink = (entry) =>
            entry.source === `extension:${name}` ? undefined : take(entry);
          return keep(disposable(log.addSink(own)));
        },
        shown: (value) => redaction.value(value),
      }),
      report: (...what) => this.report(...what),
      power: (name, extension, keep) =>
        powerOf(name, extension, keep, {
          ...parts,
          places: this,
          views,
          steer: steerFor(extension.statics.name),
        }),
    });
    this.steps.onFirst = () => {
      for (const topic of this.steps.topics)
        parts.bus.on(topic, ({ event }) => {
          if (event.source === 'kernel')
            this.steps.told(event.topic as KernelTopic, event.payload as never);
        });
    };
    this.#extensions.install();
  }

  api(factory: AnyFactory): unknown {
    return this.#installed.api(factory);
  }

  find(name: string): unknown {
    return this.#installed.find(name);
  }

  async open(): Promise<void> {
    // First, as an extension may add plugins when it opens.
    await this.#applicationPoints.load();
    await this.#installed.open();
    // What one of them has added was checked by those alone that had opened before.
    if (this.#parts.registry.size > 0) await (await this.#lifecycle()).members.checkAgain();
  }

  run(phase: 'started' | 'stopping'): Promise<void> {
    return this.#installed.run(phase);
  }

  end(): Promise<void> {
    return this.#installed.end();
  }

  health(): ReturnType<ExtensionHost['health']> {
    return this.#installed.health();
  }

  diagnostics(): ReturnType<ExtensionHost['diagnostics']> {
    return this.#installed.diagnostics();
  }

  contributions(point: string): readonly Contribution[] {
    if (!this.points.names.includes(point)) throw unknownPoint(point);
    const { registry, isEnabled } = this.#parts;
    // Plugins in the order of discovery, and the best version of each first.
    const ids = new Set(registry.all().map(({ id }) => id));
    return [...ids]
      .flatMap((id) => registry.versions(id))
      .flatMap((record) => {
        const manifest = manifestOf(record);
        // A canary gets calls, and nothing else.
        if (manifest === undefined || registry.behind.has(record.key)) return [];
        const value = record.state === 'denied' ? undefined : this.points.of(manifest, point);
        if (value === undefined || !isEnabled(record.key)) return [];
        return { plugin: manifest.id, version: manifest.version, value };
      });
  }

  changed(): void {
    this.#plugins.forget();
    this.points.changed();
  }

  get #installed(): TenantExtensions {
    return this.#extensions as TenantExtensions;
  }
}
