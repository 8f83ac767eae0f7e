/** The registrations of a tenant's extensions, by the place in the core that asks for them. */
import {
  createError,
  type Isolation,
  type Manifest,
  messageOf,
  PluginError,
} from '@plinth/sdk/contract';
import { contained, refuseLater } from '../contained.js';
import type { Guest, PluginPackage } from '../host.js';
import type { Extending } from '../lifecycle/extending.js';
import { RightsSources } from '../permissions/rights-sources.js';
import type { Log } from '../telemetry/logger.js';
import { withOrigin } from '../telemetry/origin.js';
import { bounded } from './bounded.js';
import { checkKind, checkShape } from './check-arguments.js';
import { ContributionPoints, type Reach } from './contributions.js';
import { Interceptors } from './interceptors.js';
import { type Launch, Launching } from './launching.js';
import type { PluginViews } from './plugin-views.js';
import type { PackageCheck, PackageVerdict } from './powers.js';
import { type AnyExtension, isBuiltIn } from './statics.js';
import { Transitions } from './transitions.js';
import type { Gate, GuestView, LaunchView, ViewedGuest } from './views.js';

const STRENGTH: readonly Isolation[] = ['inline', 'worker', 'process', 'sandbox'];

/** What this needs of the kernel. */
export interface PlacesParts {
  readonly extensions: readonly AnyExtension[];
  readonly log: Log;
  /** Milliseconds: `hook` for an extension's work before a step, `ready` for a launched guest. */
  readonly limits: { readonly hook: number; readonly ready: number };
  readonly views: PluginViews;
}

/**
 * Owns the registrations of a tenant's extensions. A place without registrations costs one branch.
 */
export class ExtensionPlaces implements Extending {
  readonly around: Interceptors;
  readonly steps: Transitions;
  readonly points = new ContributionPoints();
  readonly rights: RightsSources;
  readonly checks: { readonly extension: string; readonly check: PackageCheck }[] = [];
  readonly onGuests: {
    readonly extension: string;
    onGuest(guest: GuestView): Gate | undefined;
  }[] = [];
  readonly launches: Launch[] = [];
  /** Features that manifests may require because an extension is installed. */
  readonly features: readonly string[];
  /** First segments of topics that belong to extensions. */
  readonly names: ReadonlySet<string>;
  readonly #log: Log;
  readonly #limits: PlacesParts['limits'];
  readonly #views: PluginViews;
  readonly #isolations = new WeakMap<PluginPackage, Isolation>();

  constructor({ extensions, log, limits, views }: PlacesParts) {
    this.#views = views;
    this.#limits = limits;
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
    this.rights = new RightsSources((...what) => this.report(...what));
    this.steps = new Transitions({
      timeout: limits.hook,
      view: (id, version) => views.exact(id, version),
      of: (key) => views.of(key),
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
    for (const { extension, check } of this.checks) {
      const verdict = check.manifest?.({ manifest, package: found });
      const isolation = isolationIn(verdict, extension, manifest);
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

  /**
   * A package is about to be loaded, with the text of its code.
   *
   * @throws the error of a check; PluginError `extension/failed` for one that hangs.
   */
  async checkCode(found: PluginPackage, manifest: Manifest, code: string): Promise<void> {
    const { hook } = this.#limits;
    for (const { extension, check } of this.checks)
      if (check.code !== undefined)
        await bounded(extension, `checking the code of ${manifest.id}`, manifest.id, hook, () =>
          check.code?.({ manifest, package: found }, code),
        );
  }

  /** The stronger of the isolation chosen for a package and the one that checks demand. */
  isolation(chosen: Isolation, found: PluginPackage): Isolation {
    const wanted = this.#isolations.get(found);
    return wanted === undefined ? chosen : stronger(chosen, wanted);
  }

  /**
   * Launches a guest through its wrappers. A guest that comes too late is ended.
   *
   * @throws what a wrapper throws; PluginError `extension/failed` for one that hangs, or answers no
   * guest.
   */
  async launch(key: string, isolation: Isolation, launch: () => Promise<Guest>): Promise<Guest> {
    if (this.launches.length === 0) return launch();
    const request: LaunchView = { plugin: this.#views.of(key), isolation };
    const { hook, ready } = this.#limits;
    return new Launching(this.launches, request, launch).run(ready + hook);
  }

  /** @throws PluginError `extension/failed`, because a gate that guards must not be left out. */
  #gateOf(
    extension: string,
    view: GuestView,
    onGuest: (guest: GuestView) => Gate | undefined,
  ): Gate | undefined {
    try {
      const gate = onGuest(view);
      refuseLater(gate, "what 'guests' calls");
      if (gate === undefined || gate === null) return undefined;
      checkShape("a gate of 'guests'", gate, { request: 'function?', ended: 'function?' });
      return gate;
    } catch (cause) {
      const { id } = view.plugin;
      throw createError(
        'extension/failed',
        `the extension '${extension}' failed when the guest of ${id} was made: ${messageOf(cause)}`,
        { plugin: id, details: { extension }, cause },
      );
    }
  }

  /** Announces a new guest. Returns the gate for its requests, if there is one. */
  gateFor(guest: ViewedGuest): Required<Gate> | undefined {
    if (this.onGuests.length === 0) return undefined;
    const view = this.#views.guest(guest);
    const gates = this.onGuests.flatMap(({ extension, onGuest }) => {
      const gate = this.#gateOf(extension, view, onGuest);
      return gate === undefined ? [] : [{ extension, gate }];
    });
    if (gates.length === 0) return undefined;
    return {
      request() {
        for (const { extension, gate } of gates) {
          try {
            refuseLater(gate.request?.(), 'its gate');
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
        for (const { extension, gate } of gates)
          contained(
            () => gate.ended?.(error),
            (thrown) =>
              this.report(extension, `failed when the guest of ${view.plugin.id} ended`, thrown),
          );
      },
    };
  }
}

/** @throws PluginError `extension/failed` for a verdict that can't be followed. */
function isolationIn(verdict: unknown, extension: string, { id }: Manifest): Isolation | undefined {
  try {
    if (verdict === undefined || verdict === null) return undefined;
    refuseLater(verdict, 'it');
    checkShape('its verdict', verdict, { isolation: 'string?' });
    const { isolation } = verdict as PackageVerdict;
    if (isolation !== undefined) checkKind('its verdict', "'isolation'", isolation, STRENGTH);
    return isolation;
  } catch (cause) {
    throw createError(
      'extension/failed',
      `the extension '${extension}' could not check the manifest of ${id}: ${messageOf(cause)}`,
      { plugin: id, details: { extension }, cause },
    );
  }
}

const stronger = (one: Isolation, other: Isolation): Isolation =>
  STRENGTH.indexOf(one) >= STRENGTH.indexOf(other) ? one : other;
