/** One recording in progress: writes down what crosses, within its bytes. */
import { createError, type LoadSpec, Op, type Registration, sha256 } from '@plinth/sdk/contract';
import type { Guest } from '../../host.js';
import type { Named } from './handles.js';
import { type Hiding, hidden } from './hiding.js';
import { nameOfOp, SECRET } from './names.js';
import {
  type Entry,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  sealed,
} from './recording.js';
import { Relay, type Witness } from './relay.js';
import { tapedCode } from './tape.js';
import { HoldsStream, type Written, written, writtenError } from './values.js';

/** What a session is made with. */
export interface SessionParts {
  readonly plugin: string;
  readonly tenant: string;
  /** Most bytes of the recording. */
  readonly limit: number;
  readonly hiding: Hiding;
  /** The recording takes no more. */
  onEnd(): void;
}

/** Milliseconds in which a guest answers that has sent everything. */
const FENCE_TIME = 2_000;
/** What the last line takes. */
const SEAL = 160;

/** Owns the lines of one recording. When it ends, the guest goes on. */
export class Session implements Witness {
  readonly #parts: SessionParts;
  #lines: string[] = [];
  readonly #secrets = new Set<number>();
  #header: RecordingHeader | undefined;
  #isolation = '';
  #relay: Relay | undefined;
  #left: number;
  #lastId = 0;
  #end: RecordingEnd | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#left = parts.limit - SEAL;
  }

  /** Why it takes no more. Undefined while it records, or waits for a guest. */
  get end(): RecordingEnd | undefined {
    return this.#end;
  }

  /** Whether a guest is being recorded, or was. */
  get begun(): boolean {
    return this.#relay !== undefined;
  }

  /** A guest was launched. */
  attach(guest: Guest, isolation: string): Guest {
    this.#isolation = isolation;
    this.#relay = new Relay(guest, this.#parts.plugin, this);
    return this.#relay.guest;
  }

  /** Ends the recording. @throws PluginLifecycleError when there was nothing to record. */
  async stop(): Promise<Recording> {
    if (this.#end === undefined) await this.#relay?.fence(FENCE_TIME);
    this.#over('stopped');
    if (this.#header === undefined)
      throw createError(
        'plugin/illegal-transition',
        `nothing of ${this.#parts.plugin} was recorded: it was not started meanwhile`,
        { plugin: this.#parts.plugin },
      );
    const lines = this.#lines;
    // The guest goes on, and keeps this alive.
    this.#lines = [];
    return sealed(this.#header, lines, this.#end as RecordingEnd);
  }

  async load(spec: LoadSpec): Promise<LoadSpec> {
    const { plugin, tenant } = this.#parts;
    const code = await tapedCode(spec, undefined);
    this.#header = {
      format: 'plinth-recording',
      formatVersion: 1,
      plugin,
      version: spec.manifest.version,
      digest: spec.code === '' ? '' : await sha256(new TextEncoder().encode(spec.code)),
      isolation: this.#isolation,
      tenant,
      taped: code !== undefined,
    };
    this.#left -= JSON.stringify(this.#header).length + 1;
    return code === undefined ? spec : { ...spec, code, taped: true };
  }

  call(named: Named | undefined, facts: readonly unknown[], input: unknown): number {
    // The guest has taken the registration back, and refuses the call.
    if (named === undefined) return 0;
    return this.#add('in', 'call', { ...named, facts: this.#facts(facts) }, input);
  }

  event(named: Named | undefined, facts: readonly unknown[], payload: unknown): void {
    if (named !== undefined)
      this.#add('in', 'event', { ...named, facts: this.#facts(facts) }, payload);
  }

  control(method: string, args: readonly unknown[]): number {
    return this.#add('in', 'control', { name: method }, args);
  }

  cancel(id: number, late: boolean): void {
    this.#add('in', 'cancel', { id, facts: [late] }, undefined);
  }

  ask(op: number, facts: readonly unknown[], input: unknown): number {
    const id = this.#add('out', 'ask', { name: nameOfOp(op), facts: this.#facts(facts) }, input);
    if (op === Op.secret) this.#secrets.add(id);
    return id;
  }

  register(
    what: 'register' | 'unregister',
    { kind, name, nth }: Named,
    registration?: Registration,
  ): number {
    const { handle: _, ...rest } = registration ?? { handle: 0 };
    return this.#add('out', what, { kind, name, nth }, registration && rest);
  }

  answer(id: number, ok: boolean, value: unknown): void {
    this.#add('out', 'answer', { id, ok }, value);
  }

  reply(id: number, ok: boolean, value: unknown): void {
    const secret = this.#secrets.delete(id) && ok && typeof value === 'string';
    this.#add('in', 'reply', { id, ok }, secret ? SECRET : value);
  }

  progress(side: 'in' | 'out', id: number, value: unknown): void {
    this.#add(side, 'more', { id }, value);
  }

  tape(readings: unknown): void {
    if (readings === undefined) this.#over('full');
    else this.#add('tape', 'tape', {}, readings);
  }

  ended(): void {
    this.#over('guest');
  }

  /** Facts are texts and numbers that may be absent. */
  #facts(facts: readonly unknown[]): readonly unknown[] {
    if (this.#end !== undefined) return [];
    return facts.map((one) => (one === undefined ? null : hidden(one, this.#parts.hiding)));
  }

  /** Writes an entry. Returns its number, which a later entry may refer to. */
  #add(
    side: Entry['side'],
    what: string,
    about: Omit<Entry, 'side' | 'what' | 'value' | 'codec'>,
    value: unknown,
  ): number {
    // What belongs to something that was not recorded has the number 0.
    if (this.#end !== undefined || about.id === 0) return 0;
    this.#lastId += 1;
    const id = about.id ?? this.#lastId;
    try {
      const text = this.#written(about.ok, value);
      const line = JSON.stringify({ side, what, ...about, id, ...text } satisfies Entry);
      this.#left -= new TextEncoder().encode(line).length + 1;
      if (this.#left < 0) this.#over('full');
      else this.#lines.push(line);
    } catch (error) {
      this.#over(error instanceof HoldsStream ? 'stream' : 'unreadable');
    }
    return id;
  }

  #written(ok: boolean | undefined, value: unknown): Written {
    const clean = hidden(value, this.#parts.hiding);
    return ok === false ? writtenError(clean) : written(clean);
  }

  #over(end: RecordingEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#parts.onEnd();
  }
}
