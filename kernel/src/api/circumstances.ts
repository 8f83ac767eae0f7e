/** What explanations need beside the record of a plugin. */
import type { PluginError } from '@plinth/sdk/contract';
import type { Quarantine, Restart } from '../plugin/plugin.js';

/** Facts about a plugin that its record doesn't contain. */
export interface Circumstances {
  readonly quarantine: Quarantine | undefined;
  /** The restart that is pending or in progress. */
  readonly restart?: Pick<Restart, 'attempt' | 'due'> | undefined;
  readonly enabled: boolean;
  /** Why it is paused, as those that pause it say. */
  readonly pausedFor?: readonly string[];
  /** Why it is paused: the error of the dependency that it lacks. */
  readonly blame?: (PluginError & { readonly details: { readonly path?: unknown } }) | undefined;
}
