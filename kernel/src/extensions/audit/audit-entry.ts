/** Entries of the audit log, and what is said about them. */
import type { KernelTopic } from '../../kernel-events.js';

/** The topic of an entry: a kernel event, or `host:` and a word of the application. */
export type AuditTopic = KernelTopic | `host:${string}`;

/** One thing that happened. */
export interface AuditEntry {
  /** Its place among all entries, from 1. A missing number is of an entry no longer kept. */
  readonly number: number;
  /** The number of the entry before it in its chain, 0 for the first. */
  readonly after: number;
  /** Milliseconds since the epoch, by the clock of this machine. */
  readonly time: number;
  readonly topic: AuditTopic;
  readonly plugin: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  /** How often it happened in a row, where one entry stands for several. */
  readonly count: number;
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

/** What {@link HostAudit.verify} answers. */
export type AuditVerdict =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly head: AuditHead;
      /** Plugins whose entries at the time of the witness are no longer kept. */
      readonly outgrown: readonly string[];
    }
  | { readonly ok: false; readonly at: number; readonly why: string };

/** `kernel.audit`. Each method rejects with `storage/failed` when entries can't be written. */
export interface HostAudit {
  /** Entries that are kept, the oldest first. */
  entries(filter?: {
    readonly plugin?: string;
    readonly topic?: AuditTopic;
  }): Promise<readonly AuditEntry[]>;
  /** Reads all entries and checks the chains, and that they continue from `since`. */
  verify(since?: AuditHead): Promise<AuditVerdict>;
  /** The ends of the chains, after everything that has happened until now is written. */
  head(): Promise<AuditHead>;
  /**
   * Adds an entry of the application. Resolves when it is kept. Its topic is `host:` and the given
   * word.
   * @param what one word, like `order-approved`.
   * @param facts plain data of JSON, at most 4,096 characters of it.
   * @throws PluginValidationError `value/invalid` for another word or other facts; nothing is
   * added.
   */
  add(
    what: string,
    facts?: Readonly<Record<string, unknown>>,
    options?: { readonly plugin?: string },
  ): Promise<void>;
}
