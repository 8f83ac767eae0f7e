/** The open transactions and streams of one plugin. */
import { createError } from '@plinth/sdk/contract';
import type { Limits } from './options.js';

/** What this needs. */
export interface LeaseParts {
  readonly plugin: string;
  readonly limits: Limits;
  after(milliseconds: number, task: () => unknown): { dispose(): void };
  /** One has been open for too long. */
  expire(lease: number): void;
}

/** One transaction or stream. */
interface Lease {
  readonly version: string;
  readonly access: 'read' | 'write';
  /** Whether it is a stream outside of a transaction. */
  readonly alone: boolean;
  readonly timer: { dispose(): void };
  readonly onOver: OnOver;
}

/** Hears that a transaction is over. */
type OnOver = () => void;

/** Ends that are remembered, so that their plugin learns why. */
const REMEMBERED = 64;

/** Owns what is open, and remembers why something isn't any more. */
export class Leases {
  readonly #parts: LeaseParts;
  readonly #open = new Map<number, Lease>();
  /** Those that begin. The end of the process leaves them, as their beginning is tried again. */
  readonly #reserved = new Map<number, OnOver>();
  readonly #reasons = new Map<number, string>();
  #last = 0;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#open.size + this.#reserved.size;
  }

  /** Whether one of them may write. */
  get writing(): boolean {
    for (const { access } of this.#open.values()) if (access === 'write') return true;
    return false;
  }

  /** The number of one that begins. It is over by {@link add} or {@link remove}. */
  reserve(onOver: OnOver): number {
    this.#last += 1;
    this.#reserved.set(this.#last, onOver);
    return this.#last;
  }

  add(lease: number, version: string, access: 'read' | 'write', alone: boolean): void {
    const { after, limits, expire } = this.#parts;
    const onOver = this.#reserved.get(lease) ?? (() => {});
    this.#reserved.delete(lease);
    const timer = after(limits.open, () => {
      this.#remember(lease, `it was open for more than ${limits.open} ms ('limits.open')`);
      expire(lease);
    });
    this.#open.set(lease, { version, access, alone, timer, onOver });
  }

  has(lease: number, version: string): boolean {
    return this.#open.get(lease)?.version === version;
  }

  /** @throws PluginCrashedError `sql/interrupted` when it is over, or belongs to another version. */
  check(lease: number, version: string): { readonly alone: boolean } {
    const open = this.#open.get(lease);
    if (open?.version === version) return open;
    const { plugin } = this.#parts;
    const why = this.#reasons.get(lease);
    throw createError(
      'sql/interrupted',
      `the database of ${plugin}: the transaction or stream is over${why === undefined ? '' : `: ${why}`}; nothing of it was kept`,
      { plugin },
    );
  }

  of(version?: string): readonly number[] {
    return [...this.#open]
      .filter(([, lease]) => version === undefined || lease.version === version)
      .map(([lease]) => lease);
  }

  /** Answers false when it is over already. */
  remove(lease: number): boolean {
    const open = this.#open.get(lease);
    const onOver = open?.onOver ?? this.#reserved.get(lease);
    open?.timer.dispose();
    this.#reserved.delete(lease);
    onOver?.();
    return this.#open.delete(lease);
  }

  /** The database process has ended. */
  lost(): void {
    for (const lease of this.of()) {
      this.#remember(lease, 'the database process has ended');
      this.remove(lease);
    }
  }

  #remember(lease: number, why: string): void {
    this.#reasons.set(lease, why);
    if (this.#reasons.size > REMEMBERED)
      for (const [oldest] of this.#reasons) {
        this.#reasons.delete(oldest);
        break;
      }
  }
}
