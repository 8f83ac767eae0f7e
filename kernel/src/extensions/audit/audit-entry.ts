/** Entries of the audit log, and what is said about them. */
import type { KernelTopic } from '../../kernel-events.js';

/**
 * The topic of an entry: a kernel event, `host:` and a word of the application, or `audit:cut` where
 * entries were dropped because they are no longer retained.
 */
export type AuditTopic = KernelTopic | `host:${string}` | 'audit:cut';

/** One thing that happened. */
export interface AuditEntry {
  /**
   * Its place among all entries of one kernel, from 1: unique within a chain. A missing number is of
   * an entry no longer kept, or of another chain.
   */
  readonly number: number;
  /** The number of the entry before it in its chain, 0 for the first. */
  readonly after: number;
  /** Milliseconds since the epoch, by the clock of this machine. */
  readonly time: number;
  readonly topic: AuditTopic;
  readonly plugin: string | undefined;
  /** Of `audit:cut`: `number` and `hash` of the last dropped entry. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** How often it happened in a row, where one entry stands for several. */
  readonly count: number;
  /** SHA-256 over what happened. Absent in entries of earlier versions. */
  readonly body?: string;
  /** SHA-256 in hexadecimal digits, over the chain's previous entry and this entry. */
  readonly hash: string;
}

/** Where a chain ends. */
export interface ChainEnd {
  readonly number: number;
  readonly hash: string;
}

/** The ends of all chains, as plain data. A copy kept elsewhere shows later what was cut off. */
export interface AuditHead extends ChainEnd {
  /** The end of each chain, by the chain's name. */
  readonly chains: Readonly<Record<string, ChainEnd>>;
}

/**
 * What is wrong with a chain. Compared with itself: `edited` (an entry does not fit its hash),
 * `missing`, `inserted`, `reordered`, `unreadable`. Compared with a pinned head: `truncated` (it ends
 * before the pinned entry) and `rewritten` (it is whole, but another entry stands in the place of the
 * pinned one).
 */
export type AuditFaultKind =
  | 'edited'
  | 'missing'
  | 'inserted'
  | 'reordered'
  | 'unreadable'
  | 'truncated'
  | 'rewritten';

/** The first fault that was found. */
export interface AuditFault {
  readonly ok: false;
  /** The number of the first bad entry. Where entries are gone, that after the last sound one. */
  readonly at: number;
  readonly kind: AuditFaultKind;
  /** The name of the chain, as in a head. Empty when no chain could be read. */
  readonly chain: string;
  readonly why: string;
}

/**
 * Whether the chains go on from a pinned head. `cut`: they are sound, but retention has dropped a
 * pinned entry since, and the cut is recorded. Of entries before the cut nothing is proven.
 */
export type PinState = 'none' | 'held' | 'cut';

/** What {@link HostAudit.verify} answers. */
export type AuditVerdict =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly head: AuditHead;
      readonly pin: PinState;
      /** Plugins whose entries at the time of the pinned head are no longer kept. */
      readonly outgrown: readonly string[];
    }
  | AuditFault;

/** Which entries are read. */
export interface AuditFilter {
  readonly plugin?: string;
  readonly topic?: AuditTopic;
}

/** What an export discloses. It proves the rest of each chain by hashes alone. */
export interface AuditRange {
  /** The first moment, as a date or in milliseconds since the epoch. */
  readonly from?: Date | number;
  /** The moment before which an entry must be. */
  readonly to?: Date | number;
  readonly plugin?: string;
}

/** `kernel.audit`. Each method rejects with `storage/failed` when entries can't be written. */
export interface HostAudit {
  /**
   * Entries that are kept, the oldest first.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for a filter that is none.
   */
  entries(filter?: AuditFilter): Promise<readonly AuditEntry[]>;
  /**
   * Reads all entries and checks the chains, and that they continue from a pinned head.
   *
   * @throws PluginValidationError `value/invalid` for a head that `head()` has not answered.
   */
  verify(pinned?: AuditHead | { readonly head?: AuditHead }): Promise<AuditVerdict>;
  /** The ends of the chains, after everything that has happened until now is written. */
  head(): Promise<AuditHead>;
  /**
   * The log as JSON lines, each with its line break and of at most 64 kB. `verifyExport` checks them
   * without a kernel. It reads one chain at a time. An entry that holds the value of a secret is withheld.
   *
   * @throws PluginValidationError `value/invalid` for a range that makes no sense.
   * @throws PluginConfigurationError `kernel/invalid-option` for a range with an unknown part.
   * @throws PluginError `storage/failed` when entries can't be written.
   * @example
   * for await (const line of kernel.audit.export({ from: new Date('2026-11-01') })) file.write(line);
   */
  export(range?: AuditRange): AsyncIterable<string>;
  /**
   * Adds an entry of the application. Resolves when it is kept. Its topic is `host:` and the given
   * word. Values of secrets in the facts are replaced.
   * @param what one word, like `order-approved`.
   * @param facts plain data of JSON, at most 4,096 characters of it.
   * @throws PluginValidationError `value/invalid` for another word, other facts or an id of more than
   * 256 characters; nothing is added.
   */
  add(
    what: string,
    facts?: Readonly<Record<string, unknown>>,
    options?: { readonly plugin?: string },
  ): Promise<void>;
}
