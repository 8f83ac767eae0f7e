/**
 * What was decided about plugins, and what they tried: append-only, each entry bound to the one before by its hash, kept in the storage, bounded.
 * Whoever changes, drops or adds an entry afterwards breaks the chain; only its very end needs a witness elsewhere ({@link AuditHead}).
 */
import { messageOf } from '@plinth/sdk/contract';
import type { EventBus } from '../events/event-bus.js';
import type { KernelEvents, KernelTopic } from '../events/kernel-events.js';
import type { StorageAdapter } from '../host.js';
import type { Log } from '../telemetry/logger.js';

/** One thing that happened. */
export interface AuditEntry {
  /** From 1 on, without a gap. */
  readonly number: number;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly time: number;
  /** The kernel's event. */
  readonly topic: KernelTopic;
  readonly plugin: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  /** How often it happened in a row, as far as one entry says. */
  readonly count: number;
  /** SHA-256 in hexadecimal digits, of the entry before and of all that is in this one. */
  readonly hash: string;
}

/** The end of the chain: kept elsewhere, it shows later whether entries were cut off. */
export interface AuditHead {
  readonly number: number;
  readonly hash: string;
}

/** What {@link HostAudit.verify} answers. */
export type AuditVerdict = { readonly ok: true; readonly entries: number; readonly head: AuditHead } | { readonly ok: false; readonly at: number; readonly why: string };

/** `kernel.audit`. */
export interface HostAudit {
  /** Entries that are kept, the oldest first. */
  entries(filter?: { readonly plugin?: string; readonly topic?: KernelTopic }): Promise<readonly AuditEntry[]>;
  /** Reads everything that is kept and checks the chain; that it goes on from `since`, too, when that is given. */
  verify(since?: AuditHead): Promise<AuditVerdict>;
  /** The end of the chain, with all that has happened until now. */
  head(): Promise<AuditHead>;
}

/** What the audit needs of the kernel. */
export interface AuditParts {
  readonly bus: EventBus;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
}

/** What is written down. */
const TOPICS: readonly KernelTopic[] = [
  'plugin:installed',
  'plugin:uninstalled',
  'plugin:enabled',
  'plugin:disabled',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:failed',
  'plugin:crashed',
  'plugin:quarantined',
  'permission:granted',
  'permission:revoked',
  'permission:used',
  'permission:denied',
  'permission:requested',
  'signature:checked',
  'resource:limited',
  'wire:refused',
];

/** What a plugin can have written down as often as it likes. */
const BY_PLUGIN: ReadonlySet<KernelTopic> = new Set(['permission:used', 'permission:denied', 'permission:requested', 'wire:refused']);
/** Entries that are written together. */
const SEGMENT = 200;
/** Segments that are kept; the oldest goes first. */
const MAX_SEGMENTS = 50;
/** Milliseconds in which the same thing is one entry, and after which entries are written. */
const WINDOW = 100;
/** Different things in one window; of the others only the number is told. */
const MAX_WINDOW = 500;
/** Of those, how many may be of one plugin: it must not keep out what is said of others. */
const MAX_OF_ONE = 100;
const MAX_FACTS = 4_096;
const START: AuditHead = { number: 0, hash: '' };

type Draft = Omit<AuditEntry, 'number' | 'hash' | 'count'> & { count: number };

interface Segment {
  readonly format: 1;
  /** The end of the segment before. */
  readonly after: AuditHead;
  readonly entries: readonly AuditEntry[];
}

/** Owns the chain of one tenant. */
export class AuditLog implements HostAudit {
  readonly #parts: AuditParts;
  readonly #listeners: { dispose(): void }[] = [];
  #drafts = new Map<string, Draft>();
  /** How many of them each plugin has. */
  #of = new Map<string | undefined, number>();
  #dropped = 0;
  #timer: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #segment: Segment = { format: 1, after: START, entries: [] };
  #opened: Promise<void> | undefined;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    for (const topic of TOPICS)
      this.#listeners.push(
        // Not what somebody else calls so.
        parts.bus.on(topic, ({ event }) => (event.source === 'kernel' ? this.#take(topic, event.payload as KernelEvents[KernelTopic]) : undefined)),
      );
  }

  async entries({ plugin, topic }: { readonly plugin?: string; readonly topic?: KernelTopic } = {}): Promise<readonly AuditEntry[]> {
    await this.#write();
    const all = (await this.#segments()).flatMap(({ entries }) => entries);
    return all.filter((entry) => (plugin === undefined || entry.plugin === plugin) && (topic === undefined || entry.topic === topic));
  }

  async verify(since?: AuditHead): Promise<AuditVerdict> {
    await this.#write();
    const segments = await this.#segments();
    let head: AuditHead | undefined;
    let entries = 0;
    let met = since === undefined;
    for (const { after, entries: some } of segments) {
      if (head !== undefined && (after.number !== head.number || after.hash !== head.hash)) return { ok: false, at: head.number + 1, why: 'a part of the chain is missing' };
      head ??= after;
      met ||= isSame(head, since);
      for (const entry of some) {
        if (entry.number !== head.number + 1) return { ok: false, at: head.number + 1, why: 'an entry is missing, or there is one more' };
        if ((await hashOf(head, entry)) !== entry.hash) return { ok: false, at: entry.number, why: 'an entry was changed' };
        head = { number: entry.number, hash: entry.hash };
        met ||= isSame(head, since);
        entries += 1;
      }
    }
    const end = await this.head();
    if (!isSame(head ?? START, end)) return { ok: false, at: (head ?? START).number + 1, why: 'its end was cut off' };
    if (!met) return { ok: false, at: since?.number ?? 0, why: 'it does not go on from where it was, or that part is not kept any more' };
    return { ok: true, entries, head: end };
  }

  async head(): Promise<AuditHead> {
    await this.#write();
    return headOf(this.#segment);
  }

  async close(): Promise<void> {
    for (const one of this.#listeners.splice(0)) one.dispose();
    await this.#write();
  }

  #take(topic: KernelTopic, payload: unknown): void {
    const { id, plugin = id, ...rest } = payload as { readonly id?: string; readonly plugin?: string };
    const facts = this.#bounded(rest);
    const key = JSON.stringify([topic, plugin, facts]);
    const same = this.#drafts.get(key);
    const of = this.#of.get(plugin) ?? 0;
    if (same !== undefined) same.count += 1;
    else if (this.#drafts.size >= MAX_WINDOW || (BY_PLUGIN.has(topic) && of >= MAX_OF_ONE)) this.#dropped += 1;
    else {
      this.#of.set(plugin, of + 1);
      this.#drafts.set(key, { time: Date.now(), topic, plugin, facts, count: 1 });
    }
    this.#timer ??= setTimeout(() => void this.#write(), WINDOW);
  }

  /** What a plugin has a hand in is cut. */
  #bounded(facts: object): Readonly<Record<string, unknown>> {
    const text = JSON.stringify(facts);
    return text.length <= MAX_FACTS ? (JSON.parse(text) as Record<string, unknown>) : { cut: text.slice(0, MAX_FACTS) };
  }

  /** Appends what has happened; one after the other. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const drafts = [...this.#drafts.values()];
    this.#drafts = new Map();
    this.#of = new Map();
    if (this.#dropped > 0) {
      drafts.push({ time: Date.now(), topic: 'permission:denied', plugin: undefined, facts: { unlisted: this.#dropped }, count: this.#dropped });
      this.#dropped = 0;
    }
    const run = this.#turn.then(() => this.#append(drafts));
    this.#turn = run.catch(() => {});
    return run;
  }

  async #append(drafts: readonly Draft[]): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
    if (drafts.length === 0) return;
    for (const draft of drafts) {
      if (this.#segment.entries.length >= SEGMENT) {
        await this.#keep();
        this.#segment = { format: 1, after: headOf(this.#segment), entries: [] };
      }
      const before = headOf(this.#segment);
      const entry = { number: before.number + 1, ...draft };
      this.#segment = { ...this.#segment, entries: [...this.#segment.entries, { ...entry, hash: await hashOf(before, entry) }] };
    }
    await this.#keep();
  }

  /** Goes on where the chain has ended. One that can't be read is left as it is, and begun anew behind it. */
  async #open(): Promise<void> {
    try {
      const last = (await this.#keys()).at(-1);
      if (last === undefined) return;
      const segment = (await this.#parts.storage.get(last)) as Segment;
      if (segment?.format !== 1 || !Array.isArray(segment.entries)) throw new TypeError('its last part is not well formed');
      this.#segment = segment;
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `the audit log cannot be read, it begins anew: ${messageOf(error)}`);
      this.#segment = { format: 1, after: { number: Date.now(), hash: '' }, entries: [] };
    }
  }

  async #keep(): Promise<void> {
    try {
      await this.#parts.storage.set(this.#key(this.#segment.after.number), this.#segment);
      const keys = await this.#keys();
      for (const key of keys.slice(0, Math.max(0, keys.length - MAX_SEGMENTS))) await this.#parts.storage.delete(key);
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `the audit log could not be written, it is tried again with the next entry: ${messageOf(error)}`);
    }
  }

  async #segments(): Promise<readonly Segment[]> {
    const segments: Segment[] = [];
    for (const key of await this.#keys()) segments.push((await this.#parts.storage.get(key)) as Segment);
    return segments;
  }

  async #keys(): Promise<readonly string[]> {
    return [...(await this.#parts.storage.keys(this.#key('')))].sort();
  }

  #key(after: number | ''): string {
    // No plugin is called so; digits that sort.
    return `${this.#parts.tenant}\0plinth\0audit\0${after === '' ? '' : String(after).padStart(16, '0')}`;
  }
}

function headOf({ after, entries }: Segment): AuditHead {
  const last = entries.at(-1);
  return last === undefined ? after : { number: last.number, hash: last.hash };
}

const isSame = (a: AuditHead, b: AuditHead | undefined) => a.number === b?.number && a.hash === b.hash;

async function hashOf(before: AuditHead, { number, time, topic, plugin, facts, count }: Omit<AuditEntry, 'hash'>): Promise<string> {
  const text = JSON.stringify([before.hash, number, time, topic, plugin ?? null, facts, count]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
