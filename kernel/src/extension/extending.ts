/**
 * Where the core meets its extensions. A kernel without any has {@link NOT_EXTENDED}, and loads
 * none of the code that runs extensions.
 */
import type { Isolation, Manifest, PluginError } from '@plinth/sdk/contract';
import { createError } from '@plinth/sdk/contract';
import type { Guest, PluginPackage } from '../host.js';
import type { Around } from '../middleware/chains.js';
import type { AnyFactory } from './statics.js';
import type { Undo, WantedTransition } from './transitions.js';
import type { Gate, PluginFacts, ViewedGuest } from './views.js';

/** What plugins contribute to a point. */
export interface Contribution {
  readonly plugin: string;
  readonly version: string;
  readonly value: unknown;
}

/** The questions of the core to extensions, while plugins run. */
export interface Extending {
  /** The layers of extensions around commands, hooks and events. */
  readonly around: Around;
  /** Steps of plugins that extensions take part in. */
  readonly steps: {
    waits(...names: readonly WantedTransition[]): boolean;
    before(name: WantedTransition, record: PluginFacts): Promise<Undo>;
  };
  /** Features that manifests may require because an extension is installed. */
  readonly features: readonly string[];
  /** First segments of topics that belong to extensions. */
  readonly names: ReadonlySet<string>;
  /**
   * A package was found, and its manifest is valid.
   *
   * @throws PluginManifestError `manifest/invalid`, or the error of a check.
   */
  checkManifest(found: PluginPackage, manifest: Manifest): void;
  /** Keys of a manifest's `contributes` that nothing here reads. */
  unknownPoints(manifest: Manifest): readonly string[];
  /** A package is about to be loaded, with the text of its code. */
  checkCode(found: PluginPackage, manifest: Manifest, code: string): Promise<void>;
  /** The stronger of the isolation chosen for a package and the one that checks demand. */
  isolation(chosen: Isolation, found: PluginPackage): Isolation;
  /** Launches a guest through the wrappers of extensions. */
  launch(key: string, isolation: Isolation, launch: () => Promise<Guest>): Promise<Guest>;
  /** Announces a new guest. Returns the gate for its requests, if there is one. */
  gateFor(guest: ViewedGuest): Required<Gate> | undefined;
}

/** The questions of a tenant to its extensions. */
export interface ExtensionHost {
  /** @throws PluginConfigurationError `extension/missing` with the line to write. */
  api(factory: AnyFactory): unknown;
  /** @throws PluginError `extension/failed`. */
  open(): Promise<void>;
  run(phase: 'started' | 'stopping'): Promise<void>;
  end(): Promise<void>;
  health(): Promise<{
    readonly unhealthy: readonly PluginError[];
    readonly degraded: readonly PluginError[];
  }>;
  diagnostics(): readonly Readonly<Record<string, unknown>>[];
  /** @throws PluginConfigurationError `kernel/invalid-option` for an unknown point. */
  contributions(point: string): readonly Contribution[];
  /** A plugin, or its place in the registry, has changed. */
  changed(): void;
}

/** Points that every manifest knows. */
export const OWN_POINTS: ReadonlySet<string> = new Set([
  'commands',
  'events',
  'hooks',
  'messages',
  'middleware',
]);

const nothing = async (): Promise<void> => {};

/** A tenant without extensions and without points. */
export const NOT_EXTENDED: Extending & ExtensionHost = {
  around: { any: false, around: () => ({ outside: [], inside: [], lasting: true }) },
  steps: { waits: () => false, before: async () => nothing },
  features: [],
  names: new Set(),
  checkManifest: () => {},
  unknownPoints: ({ contributes }) =>
    Object.keys(contributes).filter((point) => !OWN_POINTS.has(point)),
  checkCode: nothing,
  isolation: (chosen) => chosen,
  launch: (_key, _isolation, launch) => launch(),
  gateFor: () => undefined,
  api(factory) {
    throw missingExtension(String(factory?.statics?.name ?? 'unknown'), false);
  },
  open: nothing,
  run: nothing,
  end: nothing,
  health: async () => ({ unhealthy: [], degraded: [] }),
  diagnostics: () => [],
  contributions(point) {
    throw unknownPoint(point);
  },
  changed: () => {},
};

/**
 * The error for an extension that is not installed.
 *
 * @param copy whether another extension with that name is installed.
 */
export const missingExtension = (name: string, copy: boolean): PluginError =>
  createError(
    'extension/missing',
    copy
      ? `another copy of the extension '${name}' is installed: install its package once`
      : `the extension '${name}' is not installed: createKernel({ extensions: [${name}(…)] })`,
    { details: { extension: name } },
  );

/** The error for a point that has not been opened. */
export const unknownPoint = (point: string): PluginError =>
  createError(
    'kernel/invalid-option',
    `there is no point 'contributes.${point}' here: open it with createKernel({ contributions: { '${point}': … } })`,
    { details: { point } },
  );
