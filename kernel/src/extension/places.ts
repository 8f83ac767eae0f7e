/** The registrations of a tenant's extensions, by the place in the core that asks for them. */
import {
  createError,
  type Isolation,
  type Manifest,
  messageOf,
  PluginError,
} from '@plinth/sdk/contract';
import type { Guest, PluginPackage } from '../host.js';
import type { Extending } from '../lifecycle/extending.js';
import type { Log } from '../telemetry/logger.js';
import { withOrigin } from '../telemetry/origin.js';
import { ContributionPoints, type Reach } from './contributions.js';
import { Interceptors } from './interceptors.js';
import type { PluginViews } from './plugin-views.js';
import type { PackageCheck } from './powers.js';
import { type AnyExtension, isBuiltIn } from './statics.js';
import { Transitions } from './transitions.js';
import type { Gate, GuestView, LaunchView, ViewedGuest } from './views.js';

const STRENGTH: readonly Isolation[] = ['inline', 'worker', 'process', 'sandbox'];

/** What this needs of the kernel. */
export interface PlacesParts {
  readonly extensions: readonly AnyExtension[];
  readonly log: Log;
  /** Milliseconds for an extension's work before a step. */
  readonly timeout: number;
  readonly views: PluginViews;
}

/**
 * Owns the registrations of a tenant's extensions. A place without registrations costs one branch.
 */
export class ExtensionPlaces implements Extending {
  readonly around: Interceptors;
  readonly steps: Transitions;
  readonly points = new ContributionPoints();
  readonly checks: PackageCheck[] = [];
  readonly onGuests: {
    readonly extension: string;
    onGuest(guest: GuestView): Gate | undefined;
  }[] = [];
  readonly launches: ((request: LaunchView, next: () => Promise<Guest>) => Promise<Guest>)[] = [];
  /** Features that manifests may require because an extension is installed. */
  readonly features: readonly string[];
  /** First segments of topics that belong to extensions. */
  readonly names: ReadonlySet<string>;
  readonly #log: Log;
  readonly #views: PluginViews;
  readonly #isolations = new WeakMap<PluginPackage, Isolation>();

  constructor({ extensions, log, timeout, views }: PlacesParts) {
    this.#views = views;
    const names = extensions.map(({ statics }) => statics.name);
    this.#log = log;
    // The topics of the kernel's own extensions are among the kernel's.
    this.names = new Set(
      extensions.filter((one) => !isBuiltIn(one)).map(({ statics }) => statics.name),
    );
    this.features = extensions.flatMap(({ statics }) => statics.features ?? []);
    this.around = new Interceptors(
      (name) => names.indexOf(name),
      (...what) => this.report(...what),
    );
    this.steps = new Transitions({
      timeout,
      view: (id, version) => views.exact(id, version),
      viewOf: (record) => views.ofRecord(record),
      report: (...what) => this.report(...what),
    });
  }

  /** Logs an error of an extension's own code. */
  report(extension: string, what: string, error: unknown): void {
    this.#log.write(
      `extension:${extension}`,
      'error',
      `the extension '${extension}' ${what}: ${messageOf(error)}`,
      { extension, ...withOrigin(error) },
    );
  }

  /**
   * A package was found, and its manifest is valid.
   *
   * @throws PluginManifestError `manifest/invalid`, or the error of a check.
   */
  checkManifest(found: PluginPackage, manifest: Manifest): void {
    this.points.check(manifest);
    for (const check of this.checks) {
      const isolation = check.manifest?.({ manifest, package: found })?.isolation;
      if (isolation === undefined) continue;
      const before = this.#isolations.get(found) ?? 'inline';
      this.#isolations.set(found, stronger(before, isolation));
    }
  }

  /** Keys of a manifest's `contributes` that nothing here reads. */
  unknownPoints(manifest: Manifest): readonly string[] {
    return this.points.unknown(manifest);
  }

  /** What a manifest gets by its contributions. */
  reachOf(manifest: Manifest): Reach {
    return this.points.reachOf(manifest);
  }

  /** A package is about to be loaded, with the text of its code. */
  async checkCode(found: PluginPackage, manifest: Manifest, code: string): Promise<void> {
    for (const check of this.checks) await check.code?.({ manifest, package: found }, code);
  }

  /** The stronger of the isolation chosen for a package and the one that checks demand. */
  isolation(chosen: Isolation, found: PluginPackage): Isolation {
    const wanted = this.#isolations.get(found);
    return wanted === undefined ? chosen : stronger(chosen, wanted);
  }

  /** Launches a guest through its wrappers. */
  launch(key: string, isolation: Isolation, launch: () => Promise<Guest>): Promise<Guest> {
    const request: LaunchView = { plugin: this.#views.of(key), isolation };
    const enter = (index: number): Promise<Guest> => {
      const wrap = this.launches[index];
      return wrap === undefined ? launch() : wrap(request, () => enter(index + 1));
    };
    return enter(0);
  }

  /** Announces a new guest. Returns the gate for its requests, if there is one. */
  gateFor(guest: ViewedGuest): Required<Gate> | undefined {
    if (this.onGuests.length === 0) return undefined;
    const view = this.#views.guest(guest);
    const gates = this.onGuests.flatMap(({ extension, onGuest }) => {
      const gate = onGuest(view);
      return gate === undefined ? [] : [{ extension, gate }];
    });
    if (gates.length === 0) return undefined;
    return {
      request() {
        for (const { extension, gate } of gates) {
          try {
            gate.request?.();
          } catch (cause) {
            if (cause instanceof PluginError) throw cause;
            throw createError(
              'extension/failed',
              `the extension '${extension}' failed in front of a request: ${messageOf(cause)}`,
              { plugin: view.plugin.id, details: { extension }, cause },
            );
          }
        }
      },
      ended: (error) => {
        for (const { extension, gate } of gates) {
          try {
            gate.ended?.(error);
          } catch (thrown) {
            this.report(extension, `failed when the guest of ${view.plugin.id} ended`, thrown);
          }
        }
      },
    };
  }
}

const stronger = (one: Isolation, other: Isolation): Isolation =>
  STRENGTH.indexOf(one) >= STRENGTH.indexOf(other) ? one : other;
