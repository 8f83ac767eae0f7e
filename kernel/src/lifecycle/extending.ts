/** What the core asks of extensions while plugins run. */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import type { Gate, ViewedGuest } from '../guests/gate.js';
import type { Guest, PluginPackage } from '../host.js';
import type { Around } from '../middleware/chains.js';
import type { RightsSources } from '../permissions/rights-sources.js';

/** The steps of a plugin that are requested. A step that merely happens can't be awaited. */
export const WANTED_TRANSITIONS = [
  'load',
  'activate',
  'suspend',
  'resume',
  'hibernate',
  'replace',
  'deactivate',
] as const;

/** A step of a plugin that is requested. */
export type WantedTransition = (typeof WANTED_TRANSITIONS)[number];

/** Undoes the work done before a step. */
export type Undo = () => unknown;

/** The facts about a resolved version of a plugin. */
export interface PluginFacts {
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly manifest: Manifest;
  readonly package: PluginPackage;
}

/** The questions of the core to extensions, while plugins run. */
export interface Extending {
  /** The layers of extensions around commands, hooks and events. */
  readonly around: Around;
  /** Steps of plugins that extensions take part in. */
  readonly steps: {
    waits(...names: readonly WantedTransition[]): boolean;
    before(name: WantedTransition, record: PluginFacts): Promise<Undo>;
    /** A plugin is about to leave the registry. Call the answer when it has. */
    removing(key: string): () => void;
  };
  /** What extensions change about the rights of plugins. */
  readonly rights: RightsSources;
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
  /** What a manifest gets by its contributions, as lists by name: an update with more asks for it. */
  reachOf(manifest: Manifest): Readonly<Record<string, readonly string[]>>;
  /** A package is about to be loaded, with the text of its code. */
  checkCode(found: PluginPackage, manifest: Manifest, code: string): Promise<void>;
  /** The stronger of the isolation chosen for a package and the one that checks demand. */
  isolation(chosen: Isolation, found: PluginPackage): Isolation;
  /** Launches a guest through the wrappers of extensions. */
  launch(key: string, isolation: Isolation, launch: () => Promise<Guest>): Promise<Guest>;
  /** Announces a new guest. Returns the gate for its requests, if there is one. */
  gateFor(guest: ViewedGuest): Required<Gate> | undefined;
}
