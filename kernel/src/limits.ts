/** Deadlines and bounds of a kernel, and their defaults. */
import { parseSize } from '@plinth/sdk/contract';
import { boundsOf, DEFAULT_BOUNDS, type ValueBounds } from '@plinth/sdk/rpc';

/**
 * Deadlines and bounds of a kernel, in milliseconds unless said otherwise. Infinity means never, or
 * no bound.
 */
export interface Limits {
  /**
   * How long a source of plugins may stay silent. After that the kernel starts without the plugins
   * it has not found yet, and adds them when they come.
   */
  readonly discover: number;
  /** For a launched guest to announce itself. */
  readonly ready: number;
  /**
   * For loading and evaluating a plugin's code. Behind a wall the guest converts the code first,
   * and gets two seconds more for each million characters.
   */
  readonly load: number;
  readonly activate: number;
  readonly deactivate: number;
  /** For an extension to open, to stop, or to end what it owns. */
  readonly open: number;
  /** For every other lifecycle hook. */
  readonly hook: number;
  /**
   * For calls in flight to finish before a plugin is replaced, and again before its old guest ends.
   */
  readonly swap: number;
  /**
   * How long an update is on trial. A crash or bad health within it restores the old version; 0 for
   * never.
   */
  readonly trial: number;
  /** How long a stream waits for a first read before it ends. */
  readonly unread: number;
  /** Plugins that start at the same time. */
  readonly parallel: number;
  /** Refused control messages after which a guest is ended. */
  readonly refusals: number;
  /** Largest bundle, and largest file of a signed package, in bytes. */
  readonly codeSize: number;
  /** For a source to return a file of a package. */
  readonly read: number;
  /** Keys that a plugin may have in its storage. */
  readonly keys: number;
  /**
   * How large one value may be that crosses to or from a plugin, or that a plugin keeps: bytes, a
   * text like `'128MB'`, or bytes and levels of nesting. The same in every isolation.
   * `docs/wire.md` says how each kind of value counts.
   */
  readonly value: number | string | ValueLimits;
}

/** How large one value may be. */
export interface ValueLimits {
  /** Rough bytes, or a text like `'128MB'`; 64 MiB when absent, at most 1 GiB. */
  readonly bytes?: number | string;
  /** Levels of nesting; 100 when absent, at most 1 000. */
  readonly depth?: number;
}

/** The defaults of {@link Limits}. */
export const DEFAULT_LIMITS: Limits = {
  discover: 1_000,
  ready: 10_000,
  load: 10_000,
  activate: 10_000,
  deactivate: 2_000,
  open: 10_000,
  hook: 5_000,
  swap: 5_000,
  trial: 30_000,
  unread: 60_000,
  parallel: 16,
  refusals: 16,
  codeSize: 64_000_000,
  read: 30_000,
  keys: 10_000,
  value: { bytes: DEFAULT_BOUNDS.bytes, depth: DEFAULT_BOUNDS.depth },
};

/** The limits of a kernel: the given ones, and the defaults for the rest. */
export const limitsOf = (given: Partial<Limits> = {}): Limits => ({
  ...DEFAULT_LIMITS,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
});

/** The bounds of one value, from limits that were checked. */
export function valueBounds({ value }: Limits): ValueBounds {
  const { bytes = DEFAULT_BOUNDS.bytes, depth = DEFAULT_BOUNDS.depth } =
    typeof value === 'object' ? value : { bytes: value };
  return boundsOf(parseSize(bytes) as number, depth);
}
