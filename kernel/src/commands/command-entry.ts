/** A registered command, its provider, and what the registry needs of the kernel. */
import type { Caller, Manifest } from '@plinth/sdk/contract';
import type { CallRequest, CallServices, CallTarget } from '../calls/kernel-call.js';
import type { LaneTarget } from '../calls/lane-end.js';
import type { IsOpen } from '../calls/open-contracts.js';
import type { Provider } from '../calls/provider.js';
import type { Route } from '../calls/route.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { CommandCounter, Metrics } from '../telemetry/metrics.js';
import type { DeclaredPolicy } from './command-guards.js';
import type { Entrance } from './entrance.js';

/** The provider of a command. */
export interface CommandProvider {
  /** Plugin id, or `host`. */
  readonly owner: string;
  /** The plugin's version; absent for the host. */
  readonly version?: string | undefined;
  /** Contracts the plugin provides, `<id>@<major>`. */
  readonly provides?: readonly string[];
  readonly provider: Provider;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Whether it may answer a call of its own chain. */
  readonly reentrant?: boolean | undefined;
  /** The guest that answers it. Absent for the host's own commands. */
  readonly at?: LaneTarget | undefined;
  /** What its plugin says about how it may be called. */
  readonly declared?: DeclaredPolicy;
  /** Whether the kernel checks its input or output. Each call must then pass through the kernel. */
  readonly checked?: boolean;
}

/** A registered command. */
export interface CommandEntry extends CallTarget, Omit<CommandProvider, 'provider' | 'timeout'> {
  readonly owner: string;
  readonly counter: CommandCounter;
  /** Whether it is a command of a contract that others may provide, too. */
  readonly open: boolean;
  /** The target that takes its calls instead, when a policy is configured for it. */
  readonly guarded: CallTarget | undefined;
}

/** A version that stands beside its plugin's own one for a while, and answers some of its calls. */
export interface Beside {
  readonly version: string;
  /**
   * The entry that answers a call.
   *
   * @param all every entry of the command.
   * @param chosen the one that answers without this.
   */
  pick(
    all: readonly CommandEntry[],
    chosen: CommandEntry,
    route: Route | undefined,
    caller: Caller,
    request: CallRequest | undefined,
  ): CommandEntry;
}

/** What the registry needs from the kernel. */
export interface CommandServices extends CallServices {
  readonly chains: MiddlewareChains;
  readonly metrics: Metrics;
  readonly entrance: Entrance;
  /** Wakes the plugin that would answer a command. Resolves false when there is none. */
  activateFor(commandId: string, route: Route | undefined): Promise<boolean>;
  /** An owner's place in the order of discovery. 0 for the host. */
  rank(owner: string): number;
  /** Whether a version that can be woken takes precedence over one that already answers. */
  outranked(entry: CommandEntry, route: Route | undefined): boolean;
  /** Whether any number of plugins may answer a command. */
  isOpen: IsOpen;
  /** The manifests of all installed plugins, in any state. */
  manifests(): readonly Manifest[];
  /** Why no provider answers. */
  unknown(commandId: string, route: Route | undefined): Error;
  /** A deprecated version was called. */
  deprecated(entry: CommandEntry, caller: Caller): void;
}
