/**
 * The soak: several callers in the host and in plugins use everything that the kernel offers at the
 * same time, from one seed, while plugins die, hang, are replaced and hibernated, and clocks jump.
 * Afterwards three figures must agree, to the call: the callers' counts, what the kernel has
 * announced, and its metrics. Any difference is a violation; the run throws.
 *
 * Kept apart from the tests, so that deliberately broken kernels, hosts and plugins can be run
 * through it.
 */
import {
  createKernel,
  type Host,
  inlineHost,
  type Kernel,
  type MetricsSnapshot,
  packageSource,
} from '@plinth/kernel';
import { audit, type Report, type SettledCall } from './soak-audit.ts';
import { type Assignment, type Books, drive, type Surface, type Tally } from './soak-driver.ts';
import { MortalHost } from './soak-host.ts';
import { type Isolation, NAMES, type Name, type PluginText, packageFor } from './soak-plugins.ts';

/** What may happen to plugins. */
export type Fault =
  | 'crash'
  | 'kill'
  | 'spin'
  | 'skew'
  | 'reload'
  | 'suspend'
  | 'hibernate'
  | 'configure';
/** Faults that end guests. */
const DEADLY: ReadonlySet<Fault> = new Set(['crash', 'kill', 'spin']);

/** Where it runs, its length, and what is broken there. */
export interface Setting {
  readonly isolation: Isolation;
  /** For workers. */
  readonly createHost?: () => Host;
  readonly seed: number;
  /** Operations per caller: three callers in the host, one in each of two plugins. */
  readonly ops: number;
  /** Calls between two faults. */
  readonly every: number;
  readonly faults: readonly Fault[];
  readonly changeHost?: (host: Host) => Host;
  readonly changeKernel?: (kernel: Kernel) => Kernel;
  readonly changePlugin?: PluginText;
  readonly changeSettled?: (call: SettledCall, n: number) => readonly SettledCall[];
  readonly changeMetrics?: (metrics: MetricsSnapshot) => MetricsSnapshot;
  /** Milliseconds for calls that should be answered; 4 000 when absent. */
  readonly plenty?: number;
  /** Milliseconds that a call may settle after its deadline; 3 000 when absent. */
  readonly tolerance?: number;
  /** Milliseconds in which an expected state must be reached; 6 000 when absent. */
  readonly patience?: number;
}

/** The figures of a sound run. */
export interface Outcome {
  readonly seed: number;
  readonly ops: number;
  readonly calls: number;
  readonly failures: number;
  readonly ticks: number;
  readonly launches: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Milliseconds by which a call settled after its deadline at most. */
  readonly latest: number;
  readonly took: number;
}

const ENDS = [
  'guest/crashed',
  'guest/exited',
  // The host's faults end guests past the kernel.
  'guest/terminated',
  'plugin/unavailable',
  'guest/unresponsive',
];
const MORTAL = ENDS;

/** Codes with which a call may fail. What isn't listed must not fail at all. */
const codes: Assignment['expected'] = {
  'mortal call': [...MORTAL],
  'mortal relay': [...MORTAL],
  'lasting hurry': ['call/timeout'],
  'mortal hurry': [...MORTAL, 'call/timeout'],
  'lasting cancel': ['call/cancelled'],
  'mortal cancel': [...MORTAL, 'call/cancelled'],
  'mortal stream': [...ENDS],
  'mortal message': [...MORTAL, 'message/no-handler', 'call/unknown-command'],
  emit: [...ENDS],
  // Six times 25 ms pass while the called plugin is being replaced.
  flaky: ['call/timeout'],
  narrow: ['call/overloaded'],
  rated: ['call/rate-limited'],
  brittle: [...MORTAL, 'thrown', 'call/circuit-open'],
};

/** The seed of a run; `VITE_PLINTH_SEED=…` sets it. */
export function seedFor(usual: number): number {
  // Written out, because Vite replaces exactly this text. In Node it may hold a value that was set
  // before.
  const env = (
    import.meta as ImportMeta & { readonly env?: Readonly<Record<string, string | undefined>> }
  ).env;
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  };
  return Number(process?.env?.VITE_PLINTH_SEED ?? env?.VITE_PLINTH_SEED ?? usual);
}

/** Runs one soak; throws when something is wrong. */
export async function soak(setting: Setting): Promise<Outcome> {
  const violations: string[] = [];
  const now = Date.now;
  const started = performance.now();
  try {
    const outcome = await new Run(setting, violations).go();
    if (violations.length === 0)
      return { ...outcome, took: Math.round(performance.now() - started) };
  } catch (error) {
    violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    Date.now = now;
  }
  throw new Error(
    `seed ${setting.seed}, ${violations.length} violations:\n  ${violations.slice(0, 25).join('\n  ')}`,
  );
}

class Run {
  readonly #setting: Setting;
  readonly #violations: string[];
  readonly #host: MortalHost;
  readonly #settled: SettledCall[] = [];
  readonly #heard: Record<string, number> = {};
  readonly #faults: Record<string, number> = {};
  /** Calls by the soak itself. */
  readonly #own: Record<string, Tally> = {};
  #kernel!: Kernel;
  #asked = 0;
  #state: number;
  #level = 0;
  #calls = 0;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(setting: Setting, violations: string[]) {
    this.#setting = setting;
    this.#violations = violations;
    this.#state = setting.seed;
    const host =
      setting.isolation === 'inline' ? inlineHost() : (setting.createHost as () => Host)();
    this.#host = new MortalHost(setting.changeHost?.(host) ?? host);
  }

  get #patience(): number {
    return this.#setting.patience ?? 6_000;
  }

  async go(): Promise<Omit<Outcome, 'took'>> {
    const { isolation, seed, changeKernel, changePlugin, changeMetrics } = this.#setting;
    const kernel = await createKernel({
      host: this.#host,
      ...(isolation === 'inline' && { isolation }),
      sources: [packageSource(NAMES.map((name) => packageFor(name, isolation, changePlugin)))],
      supervision: {
        backoff: 4,
        maxBackoff: 16,
        crashes: 1_000_000,
        heartbeat: 100,
        timeout: 500,
        snapshot: 1_000,
      },
      // Longer than it takes to notice that a plugin spins: what is in flight then belongs to the
      // state that is handed over.
      limits: { swap: 5_000 },
      resilience: {
        'soak.n:flaky': { timeout: 25, retry: { attempts: 6, backoff: 1, maxBackoff: 4 } },
        'soak.n:narrow': { bulkhead: { concurrency: 2, queue: 4 } },
        'soak.n:rated': { rate: { limit: 30, per: 250 } },
        'soak.n:cached': { cache: { ttl: 40 } },
        'soak.m:fragile': { fallback: (_, input) => ({ ...(input as object), instead: true }) },
        'soak.m:brittle': { breaker: { calls: 6, halfOpenAfter: 20 } },
      },
    });
    this.#kernel = changeKernel?.(kernel) ?? kernel;
    this.#listen(kernel);
    let metrics: MetricsSnapshot;
    let reports: Readonly<Record<Name, Report>>;
    let books: readonly Books[];
    try {
      await kernel.start();
      for (const { id, state, error } of kernel.plugins.list())
        if (state !== 'active') throw new Error(`${id} did not start: ${error?.message}`);
      books = await this.#drive();
      reports = await this.#reports();
      for (const name of NAMES)
        await this.#until(
          async () => (await kernel.plugins.health(`soak.${name}`)).pending === 0,
          `calls of soak.${name} are still open`,
        );
      metrics = kernel.metrics.snapshot();
    } finally {
      await kernel.stop();
    }
    await this.#until(async () => this.#host.live.length === 0, 'guests outlive the kernel');
    audit({
      books: [
        ...books,
        {
          caller: 'host',
          ops: 0,
          tallies: this.#own,
          ticks: 0,
          asked: 0,
          numbers: {},
          latest: 0,
          wrong: [],
        },
      ],
      reports,
      settled: this.#settled,
      metrics: changeMetrics?.(metrics) ?? metrics,
      heard: this.#heard,
      hostAsked: this.#asked,
      level: this.#level,
      deadly: this.#setting.faults.some((fault) => DEADLY.has(fault)),
      violation: (text) => void this.#violations.push(text),
    });
    return {
      seed,
      ops: books.reduce((sum, { ops }) => sum + ops, 0),
      calls: metrics.calls,
      failures: metrics.failures,
      ticks: metrics.events,
      launches: this.#host.launches,
      faults: this.#faults,
      latest: Math.round(Math.max(...books.map(({ latest }) => latest))),
    };
  }

  #listen(kernel: Kernel): void {
    const { changeSettled } = this.#setting;
    kernel.events.on('call:settled', ({ payload: { command, caller, requestId, ok, code } }) => {
      const call: SettledCall = {
        command,
        caller,
        requestId,
        ok,
        code: ok ? undefined : (code ?? 'thrown'),
      };
      this.#calls += 1;
      this.#settled.push(...(changeSettled?.(call, this.#calls) ?? [call]));
      if (this.#calls % this.#setting.every === 0) this.#wake?.();
    });
    kernel.events.on('soak:tick', ({ payload }) => {
      const { source, i } = payload as { readonly source: string; readonly i: number };
      if (i !== (this.#heard[source] ?? 0) + 1)
        this.#violations.push(`the host heard tick ${i} of ${source} after ${this.#heard[source]}`);
      this.#heard[source] = i;
    });
    for (const hook of ['collect', 'first', 'waterfall']) {
      kernel.hooks.handle(`soak:${hook}`, (value: unknown) => {
        this.#asked += 1;
        return hook === 'first'
          ? undefined
          : hook === 'collect'
            ? 'host'
            : [...(value as string[]), 'host'];
      });
    }
    kernel.messaging.on((message) => ({
      by: 'host',
      nonce: (message as { readonly nonce: number }).nonce,
    }));
  }

  // --- traffic
  // -------------------------------------------------------------------------------------------------------

  async #drive(): Promise<readonly Books[]> {
    const { seed, ops, plenty = 4_000, tolerance = 3_000 } = this.#setting;
    const kernel = this.#kernel;
    const surface: Surface = {
      execute: (id, input, options) => kernel.commands.execute(id, input, options),
      emit: (topic, payload) => kernel.events.emit(topic, payload),
      ask: (mode, id, input, options) => kernel.hooks[mode](id, input, options),
      send: (plugin, message, options) => kernel.messaging.send(plugin, message, options),
      route: (message, options) => kernel.messaging.route(message, options),
    };
    const assignment = (caller: string, isHost: boolean, n: number): Assignment => ({
      caller,
      isHost,
      seed: seed + n * 7_919,
      ops,
      width: 6,
      plenty,
      tolerance,
      expected: codes,
    });
    const inHost = ['one', 'two', 'three'].map((name, n) =>
      drive(surface, assignment(`host.${name}`, true, n)),
    );
    const inPlugins = ['a', 'b'].map(async (name, n) => {
      const books = await this.#execute(
        `soak.${name}:go`,
        assignment(`soak.${name}`, false, n + 3),
        600_000,
      );
      if (books === undefined) throw new Error(`soak.${name} did not do its work`);
      return books as Books;
    });
    const faults = this.#inject();
    try {
      return await Promise.all([...inHost, ...inPlugins]);
    } finally {
      this.#over = true;
      this.#wake?.();
      await faults;
      Date.now = REAL_NOW;
    }
  }

  /** A call by the soak itself, recorded like any other. */
  async #execute(id: string, input: unknown, timeout = this.#patience): Promise<unknown> {
    this.#own[id] ??= { sent: 0, answered: 0, cancelled: 0, failed: {} };
    const tally = this.#own[id];
    tally.sent += 1;
    try {
      const answer = await this.#kernel.commands.execute(id, input, { timeout });
      tally.answered += 1;
      return answer;
    } catch (error) {
      const code = String((error as { readonly code?: string }).code);
      tally.failed[code] = (tally.failed[code] ?? 0) + 1;
      if (!id.startsWith('soak.m:') || !MORTAL.includes(code))
        this.#violations.push(`${id} failed with ${code}: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #reports(): Promise<Readonly<Record<Name, Report>>> {
    const ask = async (name: Name) => {
      const report = (await this.#execute(`soak.${name}:report`, undefined)) as Report | undefined;
      if (report === undefined) throw new Error(`soak.${name} gives no report`);
      return report;
    };
    // When a reader leaves, its source notices a moment later. A replaced plugin hands its state on
    // while its streams continue, so it can't count them.
    for (const name of ['a', 'b'] as const) {
      await this.#until(async () => {
        const { opened, closed } = await ask(name);
        return opened === closed;
      }, `streams of soak.${name} are still open`);
    }
    const all: Partial<Record<Name, Report>> = {};
    for (const name of NAMES) all[name] = await ask(name);
    return all as Record<Name, Report>;
  }

  async #until(check: () => Promise<boolean>, otherwise: string): Promise<void> {
    for (
      const end = performance.now() + this.#patience;
      performance.now() < end;
      await new Promise((turn) => setTimeout(turn, 2))
    )
      if (await check()) return;
    this.#violations.push(
      `${otherwise}${this.#host.live.length === 0 ? '' : ` (alive: ${this.#host.live.join(', ')})`}`,
    );
  }

  // --- faults
  // --------------------------------------------------------------------------------------------------------

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 4_294_967_296) * below);
  }

  /** One fault after another, each after a number of calls. */
  async #inject(): Promise<void> {
    const { faults } = this.#setting;
    for (let n = 0; faults.length > 0; n++) {
      const seen = this.#calls;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#over || this.#calls - seen >= this.#setting.every) resolve();
      });
      if (this.#over) return;
      // Each fault once, then at random.
      const fault = faults[n < faults.length ? n : this.#random(faults.length)] as Fault;
      this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
      await this.#fault(fault);
    }
  }

  async #fault(fault: Fault): Promise<void> {
    const { plugins, config } = this.#kernel;
    const { isolation } = this.#setting;
    switch (fault) {
      case 'crash':
        if (isolation === 'inline') this.#host.kill('soak.m', 'crashed');
        else await this.#execute('soak.m:crash', undefined);
        return;
      case 'kill':
        this.#host.kill('soak.m', 'terminated');
        return;
      case 'spin':
        await this.#execute('soak.m:spin', isolation === 'inline' ? 20 : 4_000);
        return;
      case 'skew': {
        const hours = [-24, -1, 0, 1, 24][this.#random(5)] as number;
        Date.now = () => REAL_NOW() + hours * 3_600_000;
        await this.#execute('soak.n:skew', ([1, 0, -1][this.#random(3)] as number) * 3_600_000);
        return;
      }
      case 'reload': {
        const name = ['n', 'z', 'n', 'm'][this.#random(4)] as Name;
        return this.#steer(name, () => plugins.reload(`soak.${name}`));
      }
      case 'suspend': {
        const name = ['n', 'z', 'm'][this.#random(3)] as Name;
        await this.#steer(name, () => plugins.suspend(`soak.${name}`));
        return this.#steer(name, () => plugins.resume(`soak.${name}`));
      }
      case 'hibernate':
        for (const name of ['z', 'n'] as const)
          await this.#steer(name, () => plugins.hibernate(`soak.${name}`));
        return;
      case 'configure':
        this.#level += 1;
        return this.#steer('n', () => config.set('soak.n', { level: this.#level }));
    }
  }

  /** An operation on `m` may find it dead. */
  async #steer(name: Name, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message?: string };
      if (
        name !== 'm' ||
        ![...MORTAL, 'plugin/illegal-transition', 'plugin/timeout'].includes(String(code))
      )
        this.#violations.push(`steering soak.${name}: ${code}: ${message}`);
    }
  }
}

const REAL_NOW = Date.now;
