/** What decides how far packages are trusted, and whose they are, as the lifecycle sees it. */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { TrustLevel } from '../permissions/trust-level.js';

/** Decides how far packages are trusted. */
export interface Trusting {
  /** A package was found, and its manifest is valid. */
  met(found: PluginPackage, manifest: Manifest): void;
  /** How far a package is trusted. Undefined where the application decides nothing. */
  level(found: PluginPackage, manifest: Manifest): TrustLevel | undefined;
  /** The stronger of the chosen isolation and the one that its trust needs. */
  isolation(chosen: Isolation, found: PluginPackage, manifest: Manifest): Isolation;
  /**
   * Checks a package before its code is loaded.
   *
   * @throws PluginSignatureError, PluginUnavailableError `plugin/disabled`.
   */
  admit(found: PluginPackage, manifest: Manifest, code: string): Promise<void>;
}

/** Knows the owners of plugin ids. */
export interface Owning {
  /** @throws PluginPermissionError when the id belongs to another owner. */
  admit(found: PluginPackage, manifest: Manifest): Promise<void>;
}
