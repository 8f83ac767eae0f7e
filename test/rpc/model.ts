/**
 * The link against a model: a schedule of actions of two sides, run over any linked pair. From the
 * schedule alone the model knows what each side must see. Any difference is a violation, and the
 * run throws.
 *
 * Kept apart from the tests, so that deliberately broken pairs can be run through the same model.
 */
import { createError } from '@plinth/sdk/contract';
import { type Inbound, type Link, type Reply, SharedValue, transfer } from '@plinth/sdk/rpc';
import fc from 'fast-check';
import { afterTurn, type MakePair, type SideOptions, turn } from './pairs.ts';

// --- schedules
// -----------------------------------------------------------------------------------------------------

/** A source of items. */
interface SourcePlan {
  readonly items: number;
  /** The item before which the source throws, if any. */
  readonly fails: number | undefined;
  readonly slow: boolean;
}

/** What a reader does with a stream. */
interface ReadPlan {
  /**
   * Items after which it stops reading; undefined: it reads to the end. 0: it cancels without
   * reading.
   */
  readonly take: number | undefined;
  readonly slow: boolean;
}

type CallPlan =
  | { readonly kind: 'echo'; readonly value: unknown }
  | { readonly kind: 'throw'; readonly typed: boolean }
  /** Answers only when it is released. */
  | { readonly kind: 'later'; readonly fails: boolean }
  /** Answers with something that can't cross. */
  | { readonly kind: 'unsendable' }
  /** A buffer moves there and another one back. */
  | { readonly kind: 'bytes'; readonly size: number }
  | { readonly kind: 'progress'; readonly steps: number; readonly slow: boolean }
  /** Answers with a stream. */
  | { readonly kind: 'stream-out'; readonly source: SourcePlan; readonly read: ReadPlan }
  /** Brings a stream, which the callee reads. */
  | { readonly kind: 'stream-in'; readonly source: SourcePlan; readonly read: ReadPlan }
  /** Brings a stream and gets it back. */
  | { readonly kind: 'pipe'; readonly source: SourcePlan; readonly read: ReadPlan }
  /**
   * The callee calls the caller while it is called, and the caller calls once more while it is
   * called.
   */
  | { readonly kind: 'nested' };

/** One way. `shared`: sent as the kernel sends an event to many, which makes it travel as text. */
interface NotePlan {
  readonly kind: 'note';
  readonly value: unknown;
  readonly shared: boolean;
}

type Plan =
  | CallPlan
  | NotePlan
  | { readonly kind: 'control' }
  | { readonly kind: 'bad' }
  | { readonly kind: 'burst'; readonly frames: number }
  | { readonly kind: 'release' };

export interface Step {
  readonly side: 'left' | 'right';
  readonly plan: Plan;
  /** Steps after which a call is cancelled; 0: at once. */
  readonly cancel: number | undefined;
  readonly pause: 'no' | 'microtask' | 'turn';
}

export interface Schedule {
  readonly steps: readonly Step[];
  /** Which side is closed before which step; a step beyond the last: after everything was sent. */
  readonly close: { readonly side: 'left' | 'right'; readonly step: number } | undefined;
  /** Frames a side takes in one turn. */
  readonly budget: number;
  /** Whether the right side treats the left one as the kernel. */
  readonly trusting: boolean;
}

// Few keys, so that shapes recur and are packed.
const key = fc.constantFrom('a', 'b', 'c', '1', '0', 'constructor');
const leaf = fc.oneof(fc.integer(), fc.string({ maxLength: 6 }), fc.boolean(), fc.constant(null));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));

/** A value in one case out of so many. */
const once = <T>(cases: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: cases - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const source: fc.Arbitrary<SourcePlan> = fc.record({
  items: fc.nat(40),
  fails: once(3, fc.nat(40)),
  slow: fc.boolean(),
});
const read: fc.Arbitrary<ReadPlan> = fc.record({ take: once(2, fc.nat(20)), slow: fc.boolean() });
const plan: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('echo' as const), value }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('note' as const), value, shared: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'control' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('throw' as const), typed: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('later' as const), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unsendable' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('bytes' as const),
      size: fc.integer({ min: 1, max: 64 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('progress' as const),
      steps: fc.nat(5),
      slow: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stream-out' as const), source, read }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stream-in' as const), source, read }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pipe' as const), source, read }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'nested' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'bad' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('burst' as const),
      frames: fc.integer({ min: 900, max: 1_500 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'release' as const }) },
);
const side = fc.constantFrom('left' as const, 'right' as const);
const step: fc.Arbitrary<Step> = fc.record({
  side,
  plan,
  cancel: once(4, fc.nat(3)),
  pause: fc.constantFrom('no' as const, 'no' as const, 'microtask' as const, 'turn' as const),
});

/** Schedules of up to 40 steps; a third of them end with a closed link. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { maxLength: 40, size: 'max' }),
  close: once(3, fc.record({ side, step: fc.nat(40) })),
  budget: fc.constantFrom(64, 5),
  trusting: fc.boolean(),
});

// --- what happened
// -------------------------------------------------------------------------------------------------

/** A stream's source and its outcome. Its generator's `finally` shows a `return()`. */
class Source {
  readonly #plan: SourcePlan;
  readonly #n: number;
  started = false;
  over = false;

  constructor(plan: SourcePlan, n: number) {
    this.#plan = plan;
    this.#n = n;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    this.started = true;
    try {
      for (let index = 0; index <= this.#plan.items; index++) {
        if (index === this.#plan.fails) throw new RangeError(`source ${this.#n}`);
        if (this.#plan.slow && index % 4 === 1) await turn();
        if (index < this.#plan.items) yield { n: this.#n, index };
      }
    } finally {
      this.over = true;
    }
  }

  /** A link calls this when the stream was never read. */
  cancel(): void {
    this.over = true;
  }
}

interface ReadResult {
  readonly items: unknown[];
  end?: 'done' | 'left' | Error;
}

interface Call {
  readonly n: number;
  readonly plan: CallPlan;
  readonly reply: Reply;
  times: number;
  outcome?: { readonly ok: boolean; readonly value: unknown };
  /** Cancelled before it had an answer. */
  cancelled: boolean;
  /** How often it was settled after that. */
  afterwards: number;
  readonly progress: unknown[];
  /** Buffers that were marked to move. */
  readonly buffers: ArrayBuffer[];
  read?: ReadResult;
}

/** A request as its callee sees it, before it has an answer. */
interface Served {
  readonly n: number;
  readonly inbound: Inbound;
  answered: boolean;
}

class Side {
  readonly name: string;
  link!: Link;
  other!: Side;
  closed = false;
  /** Numbers of requests and notes, in order. */
  readonly sent: number[] = [];
  readonly arrived: number[] = [];
  readonly calls = new Map<number, Call>();
  readonly served: Served[] = [];
  readonly held: (() => void)[] = [];
  /** Control calls, and their results. */
  readonly controls: { readonly n: number; answer?: unknown }[] = [];
  readonly complaints: string[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

interface Message {
  readonly n: number;
  readonly plan: CallPlan | NotePlan;
  readonly bytes?: ArrayBuffer;
  readonly items?: AsyncIterable<unknown> & { cancel(): Promise<void> };
}

/** How long the model waits: turns of the event loop without any event. */
export interface Patience {
  readonly turns: number;
}

class Run {
  readonly #schedule: Schedule;
  readonly #patience: Patience;
  readonly #left = new Side('left');
  readonly #right = new Side('right');
  readonly #sources: Source[] = [];
  readonly #gone = createError('guest/terminated', 'gone');
  /** Progress needs credit, and is dropped without it. */
  readonly #progressIsSure: boolean;
  #last = 0;
  #events = 0;
  #reading = 0;

  constructor(schedule: Schedule, make: MakePair, patience: Patience) {
    this.#schedule = schedule;
    this.#patience = patience;
    this.#progressIsSure = schedule.steps.every(({ plan }) => plan.kind !== 'burst');
    this.#left.other = this.#right;
    this.#right.other = this.#left;
    const pair = make(this.#optionsOf(this.#left), {
      ...this.#optionsOf(this.#right),
      trusting: schedule.trusting,
    });
    this.#left.link = pair.left;
    this.#right.link = pair.right;
  }

  async go(): Promise<void> {
    const { steps, close } = this.#schedule;
    const cancels: { readonly at: number; readonly from: Side; readonly call: Call }[] = [];
    for (const [index, { side, plan, cancel, pause }] of steps.entries()) {
      if (close?.step === index) this.#close(this.#sideOf(close.side));
      for (const { at, from, call } of cancels) if (at === index) this.#cancel(from, call);
      const from = this.#sideOf(side);
      for (const call of this.#act(from, plan)) {
        if (cancel === 0) this.#cancel(from, call);
        else if (cancel !== undefined) cancels.push({ at: index + cancel, from, call });
      }
      if (pause === 'microtask') await Promise.resolve();
      else if (pause === 'turn') await turn();
    }
    if (close !== undefined && close.step >= steps.length) this.#close(this.#sideOf(close.side));
    if (close === undefined) await this.#until('everything is answered', () => this.#isQuiet());
    else await this.#until('what is left has arrived', () => true);
    // Late duplicates would arrive now.
    for (let n = 0; n < 8; n++) await turn();
    this.#checkOrder();
    this.#checkCalls();
    this.#checkBooks();
    if (close === undefined)
      check(
        this.#left.link.pending +
          this.#right.link.pending +
          this.#left.link.waiting +
          this.#right.link.waiting ===
          0,
        'something still waits',
      );
    this.#close(this.#left);
    this.#close(this.#right);
    await this.#until(
      'every reader has ended',
      () => this.#reading === 0 && this.#sources.every((one) => !one.started || one.over),
    );
    for (const side of this.#sides) {
      check(
        side.link.pending === 0,
        `${side.name}: ${side.link.pending} calls still wait after the end`,
      );
      check(
        side.link.streams === 0,
        `${side.name}: ${side.link.streams} streams are still open after the end`,
      );
      for (const { n, answered, inbound } of side.served)
        check(answered || inbound.signal.aborted, `${n}: served past the end, and never told`);
      for (const { n, answer } of side.controls)
        check(
          answer === n || (this.#schedule.close !== undefined && answer === this.#gone),
          `control call ${n}: ${String(answer)}`,
        );
      for (const call of side.calls.values())
        check(call.times === 1 || call.cancelled, `${call.n}: settled ${call.times} times`);
    }
    this.#checkCalls();
  }

  end(): void {
    this.#close(this.#left);
    this.#close(this.#right);
  }

  get #sides(): readonly Side[] {
    return [this.#left, this.#right];
  }

  #sideOf(name: 'left' | 'right'): Side {
    return name === 'left' ? this.#left : this.#right;
  }

  #optionsOf(side: Side): SideOptions {
    return {
      stacks: false,
      budget: this.#schedule.budget,
      serve: (_target, input, _meta, inbound) => this.#serve(side, input as Message, inbound),
      note: (_target, payload) => this.#arrive(side, payload as Message),
      control: {
        echo: async (n: number) => {
          this.#events += 1;
          return n;
        },
      },
      onBreach: (error) => void side.complaints.push(error.message),
      onRefused: (error) => void side.complaints.push(error.message),
      defer: afterTurn,
    };
  }

  // --- the caller
  // ----------------------------------------------------------------------------------------------------

  /** Runs one step. Returns its calls. */
  #act(from: Side, plan: Plan): readonly Call[] {
    switch (plan.kind) {
      case 'release':
        from.held.shift()?.();
        return [];
      case 'bad':
        check(
          messageOf(() => from.link.request(1, { f() {} }, undefined, unusedReply)) ===
            (from.closed ? 'gone' : "'f' cannot cross to another plugin: functions are not values"),
          'bad input went out',
        );
        return [];
      case 'note':
        this.#note(from, plan.value, plan.shared);
        return [];
      case 'control':
        this.#control(from);
        return [];
      case 'burst': {
        const calls = Array.from({ length: plan.frames }, () =>
          this.#call(from, { kind: 'echo', value: true }),
        );
        // Some are cancelled while they wait for credit.
        return calls.filter((call, index): call is Call => call !== undefined && index % 7 === 0);
      }
      default: {
        const call = this.#call(from, plan);
        return call === undefined ? [] : [call];
      }
    }
  }

  #control(from: Side): void {
    const control: Side['controls'][number] = { n: ++this.#last };
    from.controls.push(control);
    const settle = (answer: unknown) => {
      this.#events += 1;
      control.answer = answer;
    };
    from.link.call('echo', control.n).then(settle, settle);
  }

  #note(from: Side, value: unknown, shared = false): void {
    const n = ++this.#last;
    const message: Message = { n, plan: { kind: 'note', value, shared } };
    if (from.closed)
      check(
        messageOf(() => from.link.note(1, message, undefined)) === 'gone',
        'a closed link took a note',
      );
    else {
      // Before it is sent: with two directly connected ends, the call is complete when this
      // returns.
      from.sent.push(n);
      from.link.note(
        1,
        shared && this.#schedule.trusting && from === this.#left ? sharedByTwo(message) : message,
        undefined,
      );
    }
  }

  #call(from: Side, plan: CallPlan): Call | undefined {
    const n = ++this.#last;
    const call: Call = {
      n,
      plan,
      times: 0,
      cancelled: false,
      afterwards: 0,
      progress: [],
      buffers: [],
      reply: this.#replyFor(from, () => call),
    };
    if (from.closed) {
      check(
        messageOf(() => from.link.request(1, { n, plan }, undefined, call.reply)) === 'gone',
        'a closed link took a request',
      );
      return undefined;
    }
    from.sent.push(n);
    from.calls.set(n, call);
    from.link.request(1, this.#messageOf(call), undefined, call.reply);
    return call;
  }

  #messageOf({ n, plan, buffers }: Call): object {
    if (plan.kind === 'bytes') {
      const bytes = bytesOf(n, plan.size);
      buffers.push(bytes);
      return transfer({ n, plan, bytes }, [bytes]);
    }
    if (plan.kind === 'stream-in' || plan.kind === 'pipe')
      return { n, plan, items: this.#source(plan.source, n) };
    return { n, plan };
  }

  #replyFor(from: Side, callOf: () => Call): Reply {
    return {
      sequence: 0,
      settle: (ok, value) => {
        const call = callOf();
        this.#events += 1;
        call.times += 1;
        if (call.cancelled) call.afterwards += 1;
        if (call.outcome !== undefined) return;
        call.outcome = { ok, value };
        if (!ok) return;
        if (call.plan.kind === 'stream-out' || call.plan.kind === 'pipe') {
          call.read = { items: [] };
          void this.#read(
            (value as { items: AsyncIterable<unknown> & { cancel(): Promise<void> } }).items,
            call.plan.read,
            call.read,
          );
        }
        if (call.plan.kind === 'nested' && !from.closed) this.#note(from, 'answered');
      },
      progress: (value) => {
        this.#events += 1;
        callOf().progress.push(value);
      },
    };
  }

  #cancel(from: Side, call: Call): void {
    if (call.times === 0) call.cancelled = true;
    from.link.cancel(call.reply.sequence);
  }

  #close(side: Side): void {
    side.closed = true;
    side.link.close(this.#gone);
  }

  // --- the callee
  // ----------------------------------------------------------------------------------------------------

  #arrive(at: Side, { n, plan }: Message): void {
    this.#events += 1;
    at.arrived.push(n);
    const sent = this.#schedule.steps.find(
      (step) =>
        step.plan.kind === 'note' && sameText(step.plan.value, (plan as { value: unknown }).value),
    );
    check(
      sent !== undefined ||
        (plan as { value: unknown }).value === 'asked' ||
        (plan as { value: unknown }).value === 'answered',
      `note ${n} has arrived as another`,
    );
  }

  #serve(at: Side, { n, plan, bytes, items }: Message, inbound: Inbound): unknown {
    this.#events += 1;
    at.arrived.push(n);
    const call = at.other.calls.get(n);
    check(call !== undefined && sameText(call.plan, plan), `request ${n} has arrived as another`);
    switch (plan.kind) {
      case 'echo':
        return { n, value: plan.value };
      case 'throw':
        throw plan.typed ? createError('storage/invalid-key', `no ${n}`) : new TypeError(`no ${n}`);
      case 'later':
        return this.#hold(at, { n, inbound, answered: false }, plan.fails);
      case 'unsendable':
        return { n, f() {} };
      case 'bytes': {
        check(
          bytes instanceof ArrayBuffer && sameBytes(bytes, bytesOf(n, plan.size)),
          `the buffer of ${n} was damaged on its way`,
        );
        const back = bytesOf(n + 1, plan.size);
        call?.buffers.push(back);
        return transfer({ n, bytes: back }, [back]);
      }
      case 'progress':
        return this.#progress(n, plan.steps, plan.slow, inbound);
      case 'stream-out':
        return { n, items: this.#source(plan.source, n) };
      case 'stream-in':
        return this.#take(
          items as NonNullable<Message['items']>,
          plan.read,
          { n, inbound, answered: false },
          at,
        );
      case 'pipe':
        return { n, items };
      case 'nested':
        if (!at.closed) {
          this.#call(at, { kind: 'echo', value: 'asked' });
          this.#note(at, 'asked');
        }
        return { n };
      case 'note':
        throw new Error('a note was served as a request');
    }
  }

  #hold(at: Side, served: Served, fails: boolean): Promise<unknown> {
    at.served.push(served);
    // Read now: a signal created after the abort only has its initial reason.
    void served.inbound.signal;
    return new Promise((resolve, reject) => {
      at.held.push(() => {
        served.answered = true;
        if (fails) reject(new TypeError(`no ${served.n}`));
        else resolve({ n: served.n });
      });
    });
  }

  #progress(n: number, steps: number, slow: boolean, inbound: Inbound): unknown {
    const say = (step: number) => inbound.progress({ n, step });
    if (slow) {
      return (async () => {
        for (let index = 0; index < steps; index++) {
          await turn();
          say(index);
        }
        return { n };
      })();
    }
    for (let index = 0; index < steps; index++) say(index);
    return { n };
  }

  async #take(
    items: NonNullable<Message['items']>,
    plan: ReadPlan,
    served: Served,
    at: Side,
  ): Promise<unknown> {
    at.served.push(served);
    void served.inbound.signal;
    const result: ReadResult = { items: [] };
    await this.#read(items, plan, result);
    served.answered = true;
    return {
      n: served.n,
      items: result.items,
      end: result.end instanceof Error ? result.end.message : result.end,
    };
  }

  // --- streams
  // -------------------------------------------------------------------------------------------------------

  #source(plan: SourcePlan, n: number): Source {
    const source = new Source(plan, n);
    this.#sources.push(source);
    return source;
  }

  async #read(
    stream: AsyncIterable<unknown> & { cancel(): Promise<void> },
    plan: ReadPlan,
    result: ReadResult,
  ): Promise<void> {
    this.#reading += 1;
    try {
      if (plan.take === 0) await stream.cancel();
      else {
        for await (const item of stream) {
          this.#events += 1;
          result.items.push(item);
          if (result.items.length === plan.take) break;
          if (plan.slow && result.items.length % 3 === 1) await turn();
        }
      }
      result.end = plan.take !== undefined && result.items.length === plan.take ? 'left' : 'done';
    } catch (error) {
      result.end = error as Error;
    }
    this.#events += 1;
    this.#reading -= 1;
  }

  // --- checks
  // --------------------------------------------------------------------------------------------------------

  /**
   * Waits for a condition and then for silence; fails when nothing has happened for so many turns.
   */
  async #until(what: string, holds: () => boolean): Promise<void> {
    let events = this.#events;
    for (let idle = 0; idle < this.#patience.turns; idle++) {
      if (holds() && idle >= 3) return;
      await turn();
      if (events !== this.#events) idle = 0;
      events = this.#events;
    }
    check(false, `waited in vain until ${what}${this.#complaints()}`);
  }

  #isQuiet(): boolean {
    // Released only when they have all arrived, so that cancels find them waiting.
    const arrived = this.#sides.every((side) =>
      side.sent.every(
        (n) =>
          side.calls.get(n)?.cancelled ||
          side.other.arrived.length >= side.sent.length ||
          side.other.arrived.includes(n),
      ),
    );
    // A callee whose call is over must be told so before it would finish by itself.
    const told = this.#sides.every((side) =>
      side.served.every(
        ({ n, answered, inbound }) =>
          answered || !side.other.calls.get(n)?.cancelled || inbound.signal.aborted,
      ),
    );
    if (!arrived || !told) return false;
    for (const side of this.#sides) for (const release of side.held.splice(0)) release();
    return (
      this.#sides.every(
        (side) =>
          side.link.streams === 0 &&
          [...side.calls.values()].every((call) => call.times > 0 || call.cancelled) &&
          side.controls.every((one) => one.answer !== undefined),
      ) &&
      this.#reading === 0 &&
      this.#sources.every((one) => one.over)
    );
  }

  #complaints(): string {
    const said = this.#sides.flatMap((side) =>
      side.complaints.map((one) => `${side.name}: ${one}`),
    );
    return said.length === 0 ? '' : `; ${said.join('; ')}`;
  }

  /**
   * Everything sent has arrived in order. Only cancelled requests may be missing and, after a
   * close, the rest.
   */
  #checkOrder(): void {
    for (const side of this.#sides) {
      const sure = (n: number) => !side.calls.get(n)?.cancelled;
      const { arrived } = side.other;
      let from = 0;
      for (const n of arrived) {
        const at = side.sent.indexOf(n, from);
        check(at !== -1, `${side.name} sent ${n}, which has arrived out of turn or twice`);
        const missing = side.sent.slice(from, at).filter(sure);
        check(missing.length === 0, `${side.name} sent ${missing}, which ${n} has overtaken`);
        from = at + 1;
      }
      const lost = this.#schedule.close === undefined ? side.sent.slice(from).filter(sure) : [];
      check(lost.length === 0, `${side.name} sent ${lost.slice(0, 5)}, which never arrived`);
    }
  }

  #checkCalls(): void {
    for (const side of this.#sides)
      for (const call of side.calls.values()) this.#checkCall(side, call);
  }

  #checkCall(side: Side, call: Call): void {
    const { n, plan, times, cancelled, outcome, progress } = call;
    const closing = this.#schedule.close !== undefined;
    check(call.afterwards === 0, `${n}: settled after it was cancelled`);
    check(times <= 1, `${n}: settled ${times} times`);
    if (closing ? times === 0 && !side.closed : cancelled) return;
    if (cancelled) return;
    check(outcome !== undefined, `${n}: never settled`);
    if (outcome === undefined) return;
    if (closing && !outcome.ok && outcome.value === this.#gone) return;
    this.#checkOutcome(call, outcome);
    const steps = progress.map((one) => (one as { n: number; step: number }).step);
    check(
      progress.every((one) => (one as { n: number }).n === n) &&
        steps.every((one, at) => at === 0 || one > (steps[at - 1] as number)),
      `${n}: progress ${steps}`,
    );
    if (plan.kind === 'progress' && this.#progressIsSure)
      check(
        steps.length === plan.steps,
        `${n}: ${steps.length} of ${plan.steps} steps of progress`,
      );
    for (const buffer of call.buffers)
      check(buffer.byteLength === 0, `${n}: a buffer that was to move is still here`);
  }

  #checkOutcome({ n, plan, read }: Call, { ok, value }: { ok: boolean; value: unknown }): void {
    const error = value as Error & { code?: string };
    const fine = `${n} (${plan.kind}) has settled with ${ok ? JSON.stringify(value) : String(value)}`;
    switch (plan.kind) {
      case 'throw':
        check(
          !ok &&
            error.message === `no ${n}` &&
            (plan.typed
              ? error.code === 'storage/invalid-key' && error.name === 'PluginValidationError'
              : error instanceof TypeError),
          fine,
        );
        return;
      case 'later':
        if (plan.fails)
          check(!ok && error instanceof TypeError && error.message === `no ${n}`, fine);
        else check(ok && sameText(value, { n }), fine);
        return;
      case 'unsendable':
        check(!ok && error.code === 'value/invalid', fine);
        return;
      case 'echo':
        check(ok && sameText(value, { n, value: plan.value }), fine);
        return;
      case 'bytes':
        check(
          ok && sameBytes((value as Message).bytes as ArrayBuffer, bytesOf(n + 1, plan.size)),
          fine,
        );
        return;
      case 'stream-in': {
        check(ok, fine);
        const { items, end } = value as { items: unknown[]; end: string };
        this.#checkItems(n, plan, items, end);
        return;
      }
      case 'stream-out':
      case 'pipe':
        check(ok && read !== undefined, fine);
        if (read?.end !== undefined)
          this.#checkItems(
            n,
            plan,
            read.items,
            read.end instanceof Error ? read.end.message : read.end,
          );
        return;
      default:
        check(ok && sameText(value, { n }), fine);
    }
  }

  #checkItems(
    n: number,
    { source, read }: { readonly source: SourcePlan; readonly read: ReadPlan },
    items: readonly unknown[],
    end: string,
  ): void {
    const fails = source.fails !== undefined && source.fails <= source.items;
    const made = fails ? (source.fails as number) : source.items;
    const left = read.take !== undefined && read.take <= made;
    const expected = left ? (read.take as number) : made;
    const story = `stream ${n}: ${items.length} of ${expected} items, then ${end}`;
    check(
      items.every((item, index) => sameText(item, { n, index })),
      `${story}; some are not those that were sent`,
    );
    if (
      this.#schedule.close !== undefined &&
      items.length <= expected &&
      (end === 'gone' || end === 'call/cancelled')
    )
      return;
    // A callee whose call is over loses its input, which ends as if it were complete.
    if (this.#schedule.close !== undefined && items.length <= expected && end === 'done') return;
    check(
      items.length === expected && end === (left ? 'left' : fails ? `source ${n}` : 'done'),
      story,
    );
  }

  #checkBooks(): void {
    for (const side of this.#sides) {
      check(side.complaints.length === 0, `${side.name} complains: ${side.complaints[0]}`);
      const cancelled = [...side.calls.values()].filter((call) => call.cancelled).length;
      check(
        side.link.lateReplies <= cancelled,
        `${side.link.lateReplies} late replies for ${cancelled} cancelled calls`,
      );
      for (const { n, inbound, answered } of side.served) {
        const wanted = !side.other.calls.get(n)?.cancelled;
        if (this.#schedule.close === undefined && wanted)
          check(!inbound.signal.aborted, `${n}: aborted, though it was not given up`);
        if (!answered && !wanted && this.#schedule.close === undefined)
          check(inbound.signal.aborted, `${n}: cancelled, but its signal says nothing`);
      }
    }
  }
}

const unusedReply: Reply = {
  sequence: 0,
  settle: () => check(false, 'a refused request was settled'),
};

/** A value that was already sent to one receiver. */
function sharedByTwo(value: unknown): SharedValue {
  const shared = new SharedValue(value);
  shared.text();
  return shared;
}

function check(holds: boolean, violation: string): void {
  if (!holds) throw new Error(violation);
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

/** Equal, including the order of keys. */
const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const bytesOf = (n: number, size: number): ArrayBuffer =>
  Uint8Array.from({ length: size }, (_, index) => n * 31 + index).buffer;
const sameBytes = (a: ArrayBuffer, b: ArrayBuffer): boolean =>
  sameText([...new Uint8Array(a)], [...new Uint8Array(b)]);

/** Runs a schedule over a pair; rejects with the first violation. */
export async function runSchedule(
  schedule: Schedule,
  make: MakePair,
  patience: Patience = { turns: 2_000 },
): Promise<void> {
  let dispose = () => {};
  const run = new Run(
    schedule,
    (left, right) => {
      const pair = make(left, right);
      dispose = () => pair.dispose();
      return pair;
    },
    patience,
  );
  try {
    await run.go();
  } finally {
    run.end();
    dispose();
  }
}
