/** What the runtime gives to the context of a plugin. */
import type { AnyContract } from '../../contract/contract.js';
import type { Manifest } from '../../contract/manifest-schema.js';
import type { Scope } from '../../contract/scope.js';
import type { Link } from '../../rpc/link.js';
import type { HandlerScope } from '../handler-call.js';
import type { Lanes } from '../lanes/lanes.js';
import type { Registrations } from '../registrations.js';

/** What a context is built from. */
export interface ContextParts {
  readonly link: Link;
  readonly manifest: Manifest;
  readonly tenant: string;
  readonly handling: HandlerScope;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly registrations: Registrations;
  readonly lanes: Lanes;
  /** The current settings. */
  readonly config: () => unknown;
  /** Contracts by the name the plugin uses. */
  readonly needs: ReadonlyMap<
    string,
    { readonly contract: AnyContract; readonly optional: boolean }
  >;
  /** Names of the needs that have a provider now. The kernel keeps it up to date. */
  readonly available: ReadonlySet<string>;
}
