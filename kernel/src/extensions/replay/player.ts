/** Plays the entries of a recording to a guest, and compares what comes from it. */
import { createError, type Registration } from '@plinth/sdk/contract';
import type { Reply } from '@plinth/sdk/rpc';
import type { Guest } from '../../host.js';
import { Redaction } from '../../telemetry/redaction.js';
import { type Actual, Expected } from './expected.js';
import { type Asked, GuestPort, guestEnded, withoutParent } from './guest-port.js';
import { Handles, isNamed } from './handles.js';
import { hidden } from './hiding.js';
import { nameOfOp, SECRET } from './names.js';
import { type Entry, unusable } from './recording.js';
import type { ReplayResult } from './result.js';
import { read, readError, type Written, written, writtenError } from './values.js';

/** What a player is made with. */
export interface PlayerParts {
  readonly plugin: string;
  readonly entries: readonly Entry[];
  /** Whether the guest was at rest when the recording ended. */
  readonly complete: boolean;
  /** Milliseconds in which something that was recorded has to come. */
  readonly wait: number;
}

/** In the texts of a replay the replacement of a secret may be spelled as a secret may be. */
const replaced = new Redaction();
replaced.add(SECRET);
const hide = (value: unknown) => hidden(value, replaced);

/** A value as it is compared. A stream differs from every value. */
function compared(value: unknown): Written {
  try {
    return written(hide(value));
  } catch {
    return { value: { '[stream]': true } };
  }
}

const notWellFormed = () =>
  createError('wire/refused', 'refused a registration: it is not well formed');

/** A request of the guest that waits for its recorded answer. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  progress(value: unknown): void;
}

/** Owns the conversation with one guest. */
export class Player {
  readonly #port: GuestPort;
  readonly #expected: Expected;
  readonly #entries: readonly Entry[];
  readonly #handles = new Handles();
  /** Requests of the guest that wait for their recorded answer, by its id. */
  readonly #asked = new Map<number, Waiting>();
  /** The sequences of recorded calls on this link. */
  readonly #sequences = new Map<number, number>();
  readonly #wait: number;

  constructor(guest: Guest, { plugin, entries, complete, wait }: PlayerParts) {
    this.#entries = entries;
    this.#wait = wait;
    this.#expected = new Expected(entries, complete);
    this.#port = new GuestPort(guest, plugin, {
      ask: (asked) => this.#ask(asked),
      note() {},
      register: (registration) => this.#register('register', registration),
      unregister: (handle) => this.#unregister(handle),
      ended: (error) => this.#expected.ended(error),
    });
    void guest.exited.then((reason) => {
      this.#expected.ended(reason);
      this.#port.close(guestEnded(plugin));
    });
  }

  /** Loads the code. @throws what the guest throws. */
  load(
    spec: unknown,
    values: readonly [bytes: number, depth: number] | undefined,
  ): Promise<unknown> {
    this.#port.bound(values);
    return this.#port.control('load', [spec]);
  }

  async play(): Promise<ReplayResult> {
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.side === 'in') {
        this.#expected.delivers(index);
        this.#deliverOrRefuse(entry, index);
      }
      const divergence =
        entry.side === 'out'
          ? await this.#expected.reached(index, this.#wait)
          : this.#expected.divergence;
      if (divergence !== undefined) return { ok: false, steps: index, divergence };
    }
    // What was sent before the last answer has arrived then.
    await Promise.race([this.#port.fence(this.#wait), this.#expected.over]);
    const { divergence } = this.#expected;
    const steps = this.#entries.length;
    return divergence === undefined ? { ok: true, steps } : { ok: false, steps, divergence };
  }

  close(error: Error): void {
    this.#port.close(error);
    this.#asked.clear();
  }

  /** @throws PluginValidationError `recording/invalid` for an entry that no recorder writes. */
  #deliverOrRefuse(entry: Entry, index: number): void {
    try {
      this.#deliver(entry, index);
    } catch {
      // A guest that has ended takes nothing any more, and that is known.
      if (this.#expected.divergence === undefined)
        throw unusable('format', `entry ${index + 1} cannot be played`);
    }
  }

  #deliver(entry: Entry, index: number): void {
    switch (entry.what) {
      case 'call':
        return this.#call(entry, index);
      case 'event': {
        const handle = this.#handleOf(entry, index);
        if (handle !== undefined) this.#port.event(handle, this.#facts(entry), read(entry));
        return;
      }
      case 'control':
        return this.#control(entry);
      case 'cancel': {
        const sequence = this.#sequences.get(entry.id as number);
        if (sequence !== undefined) this.#port.link.cancel(sequence, entry.facts?.[0] === true);
        return;
      }
      case 'reply':
        return this.#reply(entry);
      default:
        this.#asked.get(entry.id as number)?.progress(read(entry));
    }
  }

  #call(entry: Entry, index: number): void {
    const handle = this.#handleOf(entry, index);
    const id = entry.id as number;
    if (handle === undefined) return;
    const reply: Reply = {
      sequence: 0,
      progress: (value) => void this.#came({ what: 'more', id, ...compared(value) }),
      settle: (ok, value) => this.#answered(id, ok, value),
    };
    this.#port.call(handle, this.#facts(entry), read(entry), reply);
    this.#sequences.set(id, reply.sequence);
  }

  #control(entry: Entry): void {
    const id = entry.id as number;
    this.#port.control(entry.name as string, read(entry) as readonly unknown[]).then(
      (value) => this.#answered(id, true, value),
      (error: unknown) => this.#answered(id, false, error),
    );
  }

  #answered(id: number, ok: boolean, value: unknown): void {
    this.#came({
      what: 'answer',
      id,
      ok,
      ...(ok ? compared(value) : writtenError(hide(value))),
    });
  }

  #reply(entry: Entry): void {
    const waiting = this.#asked.get(entry.id as number);
    this.#asked.delete(entry.id as number);
    if (entry.ok) waiting?.resolve(read(entry));
    else waiting?.reject(readError(entry));
  }

  /** A registration that the recording calls, or the divergence that there is none. */
  #handleOf({ kind = 'event', name = '', nth = 0 }: Entry, index: number): number | undefined {
    const handle = this.#handles.numberOf({ kind, name, nth });
    if (handle === undefined) this.#expected.unregistered(index, `${kind} ${name}`);
    return handle;
  }

  /** Facts as the guest gets them: null stands for undefined. */
  #facts({ facts = [] }: Entry): readonly unknown[] {
    return facts.map((one) => one ?? undefined);
  }

  #ask({ op, facts, input, inbound }: Asked): Promise<unknown> {
    const told = withoutParent(op, facts).map((one) => hide(one) ?? null);
    const actual = { what: 'ask', name: nameOfOp(op), facts: told, ...compared(input) };
    return this.#waitsFor(actual, (value) => inbound.progress(value));
  }

  async #register(what: 'register', registration: Registration): Promise<unknown> {
    if (!isNamed(registration)) throw notWellFormed();
    const { kind, name, nth } = this.#handles.add(registration);
    const { handle: _, ...rest } = registration;
    return this.#waitsFor({ what, kind, name, nth, ...compared(rest) });
  }

  async #unregister(handle: number): Promise<unknown> {
    const named = this.#handles.take(handle);
    return named && this.#waitsFor({ what: 'unregister', ...named });
  }

  /** Something came that has a recorded answer. It never settles where nothing was recorded. */
  #waitsFor(actual: Actual, progress: (value: unknown) => void = () => {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#came(actual);
      if (id !== undefined) this.#asked.set(id, { resolve, reject, progress });
    });
  }

  #came(actual: Actual & Written): number | undefined {
    return this.#expected.came(actual);
  }
}
