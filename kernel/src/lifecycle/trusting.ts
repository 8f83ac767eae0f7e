/** What decides how far packages are trusted, and whose they are, as the lifecycle sees it. */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { TrustLevel, TrustVerdict } from '../permissions/trust-level.js';

/** Decides how far packages are trusted. */
export interface Trusting {
  /** A package was found, and its manifest is valid. */
  met(found: PluginPackage, manifest: Manifest): void;
  /** How far a package is trusted. Undefined where the application decides nothing. */
  level(found: PluginPackage, manifest: Manifest): TrustLevel | undefined;
  /** What is currently known of a plugin's trust. */
  of(manifest: Manifest): TrustVerdict;
  /** The stronger of the chosen isolation and the one that its trust needs. */
  isolation(chosen: Isolation, found: PluginPackage, manifest: Manifest): Isolation;
  /**
   * Checks a package before its code is loaded.
   *
   * @throws PluginSignatureError, PluginUnavailableError `plugin/disabled`.
   */
  admit(found: PluginPackage, manifest: Manifest, code: string): Promise<void>;
  /** Finds the key that signed a package, before it is known whether the package may run. */
  identify(found: PluginPackage, manifest: Manifest, read: () => Promise<string>): Promise<void>;
  /** The publisher that signed a package, once the signature is verified. */
  publisher(found: PluginPackage): string | undefined;
  /** Lets an older version start after a rollback. Resolves to a function that undoes this. */
  lower(id: string, version: string): Promise<() => Promise<void>>;
}

/** Without decisions about trust every package is what its manifest says. */
export const NO_TRUST: Trusting = {
  met: () => {},
  level: () => undefined,
  of: () => 'undecided',
  isolation: (chosen) => chosen,
  admit: async () => {},
  identify: async () => {},
  publisher: () => undefined,
  lower: async () => async () => {},
};

/** Knows the owners of plugin ids. */
export interface Owning {
  /** @throws PluginPermissionError when the id belongs to another owner. */
  admit(found: PluginPackage, manifest: Manifest): Promise<void>;
}

/** Without owners every package may have its id. */
export const NO_OWNERS: Owning = { admit: async () => {} };
