/** Measures one guest, and slows, suspends or ends it when it is over a limit. */
import { type Alarm, alarm, createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { sizeOf } from '@plinth/sdk/rpc';
import type { GuestMeter, MeteredGuest } from '../../guests/guest-meter.js';
import type { ResourceUsage } from '../../host.js';
import type { KernelEvents, LimitStep, Resource } from '../../kernel-events.js';
import type { Log } from '../../telemetry/logger.js';
import { type Limited, MAX_CALLS, type ResourcePolicy } from './resource-policy.js';

/** What the watch needs of the kernel. */
export interface ResourceWatchParts {
  readonly policy: ResourcePolicy | undefined;
  readonly log: Log;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /** Suspends a running plugin, by its guest. Calls meanwhile fail with `blame`. */
  suspend(guest: MeteredGuest, blame: () => PluginError): Promise<void>;
  /** Resumes it, if it is still suspended for that reason. */
  resume(guest: MeteredGuest): Promise<void>;
}

/** Milliseconds between two looks. */
export const TICK = 1_000;
/** What a meter needs of the watch over all meters of a tenant. */
export interface MeterWatch {
  readonly parts: ResourceWatchParts;
  readonly tenant: Limited;
  readonly patience: number;
  readonly pause: number;
  readonly pauses: number;
  /** When the current second began, in milliseconds of the monotonic clock. */
  readonly since: number;
  /** Milliseconds by which the last look was late. */
  readonly late: number;
  /** Messages of all plugins in this second. */
  messages: number;
  /** Open requests of all plugins. */
  readonly calls: number;
}

/** The share of a limit from which a plugin is warned. */
const NEAR = 0.8;
/** Bytes by which a heap may exceed the memory in use. */
const GARBAGE = 32_000_000;
/** Looks over which CPU use is averaged. */
const CPU_LOOKS = 10;
/** Calm looks after which the steps start over. */
const CALM = 10;
/** Milliseconds for which suspensions are remembered. */
const MEMORY = 300_000;

/** Measures what one guest uses. */
export class Meter implements GuestMeter {
  readonly limits: Limited;
  readonly guest: MeteredGuest;
  readonly #watch: MeterWatch;
  readonly #plugin: string;
  #messages = 0;
  #logs = 0;
  #logsSince = Number.NEGATIVE_INFINITY;
  /** Consecutive looks over a limit. A look below it lowers the count. */
  #strikes = 0;
  #calm = 0;
  /** The last step announced for each resource since the plugin was calm. */
  readonly #said = new Map<string, LimitStep>();
  #over: { readonly resource: Resource; readonly used: number; readonly limit: number } | undefined;
  #cpu: { readonly cpu: number; readonly at: number }[] = [];
  #pauses: number[] = [];
  #usage: ResourceUsage | undefined;
  #measuring = false;
  #suspended = false;
  #pause: Alarm | undefined;
  #closed = false;
  /** How many callers currently suspend throttling. */
  #free = 0;

  constructor(watch: MeterWatch, plugin: string, limits: Limited, guest: MeteredGuest) {
    this.#watch = watch;
    this.#plugin = plugin;
    this.limits = limits;
    this.guest = guest;
  }

  /** Whether the meter needs the timer. */
  get needsTime(): boolean {
    const { messages, calls, cpu, memory } = this.limits;
    const { tenant } = this.#watch;
    return (
      calls < MAX_CALLS ||
      [messages, cpu, memory, tenant.messages, tenant.memory].some(Number.isFinite)
    );
  }

  /** Whether calls have to be counted, so that none may bypass the kernel. */
  get counts(): boolean {
    const { tenant } = this.#watch;
    return (
      [this.limits.messages, this.limits.messageSize, tenant.messages, tenant.calls].some(
        Number.isFinite,
      ) || this.limits.calls < MAX_CALLS
    );
  }

  /** A note has arrived. */
  note(): void {
    this.#messages += 1;
    if (this.#messages > this.limits.messages)
      this.#tooMany('messages', this.#messages, this.limits.messages, 'plugin');
    const { tenant } = this.#watch;
    if (Number.isFinite(tenant.messages)) {
      this.#watch.messages += 1;
      if (this.#watch.messages > tenant.messages)
        this.#tooMany('messages', this.#watch.messages, tenant.messages, 'tenant');
    }
  }

  /**
   * A request has arrived.
   *
   * @throws PluginOverloadedError `call/overloaded` when too many are open.
   */
  request(): void {
    this.note();
    const { tenant } = this.#watch;
    const { serving } = this.guest.link;
    if (serving >= this.limits.calls)
      throw this.#tooManyCalls(serving + 1, this.limits.calls, 'plugin');
    if (Number.isFinite(tenant.calls) && this.#watch.calls >= tenant.calls)
      throw this.#tooManyCalls(this.#watch.calls + 1, tenant.calls, 'tenant');
  }

  /** Whether a log entry may be written. People read them and the kernel keeps them. */
  logEntry(): boolean {
    const now = performance.now();
    if (now - this.#logsSince >= TICK) {
      // A flood is announced once. The next flood is announced again.
      if (this.#logs <= this.limits.logs) this.#said.delete('logs plugin');
      this.#logsSince = now;
      this.#logs = 0;
    }
    this.#logs += 1;
    if (this.#logs <= this.limits.logs) return true;
    this.#say('logs', 'throttled', this.#logs, this.limits.logs, 'plugin');
    return false;
  }

  /** @throws PluginValidationError `value/invalid`. */
  checkSize(value: unknown): void {
    const bytes = sizeOf(value);
    const { messageSize } = this.limits;
    if (bytes <= messageSize) return;
    throw createError(
      'value/invalid',
      `a message of ${this.#plugin} is refused: it has ${bytes} bytes, and ${messageSize} is the limit`,
      {
        plugin: this.#plugin,
        details: { bytes, limit: messageSize },
      },
    );
  }

  /** A second is over. Messages that waited are handled. */
  countMessages(seconds: number): void {
    const rate = this.#messages / seconds;
    this.#messages = 0;
    this.guest.link.release();
    if (rate >= this.limits.messages * NEAR)
      this.#say('messages', 'warned', rate, this.limits.messages, 'plugin');
  }

  /** Measures use, where possible. A busy guest has one open question, judged on its answer. */
  measure(): void {
    const { cpu, memory } = this.limits;
    if (this.#measuring || ![cpu, memory, this.#watch.tenant.memory].some(Number.isFinite)) return;
    this.#measuring = true;
    this.guest.usage().then(
      (usage) => {
        this.#measuring = false;
        this.#usage = usage;
        if (usage?.cpu !== undefined) this.#countCpu(usage.cpu);
      },
      () => {
        this.#measuring = false;
      },
    );
  }

  /** Bytes of memory, as far as known. */
  get memory(): number {
    return this.#usage?.memory ?? 0;
  }

  /** Compares use with the limits. Called once a second. */
  judge(): void {
    const { memory, cpu } = this.limits;
    // Garbage counts until it is collected.
    if (this.memory > memory + GARBAGE) return this.end('memory', this.memory, memory, 'plugin');
    if (this.memory > memory * NEAR) this.#say('memory', 'warned', this.memory, memory, 'plugin');
    const share = this.#cpuShare();
    if (share > cpu) {
      this.#over = { resource: 'cpu', used: share, limit: cpu };
      this.#say('cpu', 'throttled', share, cpu, 'plugin');
      this.#hold();
    } else if (share > cpu * NEAR) this.#say('cpu', 'warned', share, cpu, 'plugin');
    this.#escalate();
  }

  /** Ends the guest because of its use. */
  end(resource: Resource, used: number, limit: number, whose: 'plugin' | 'tenant'): void {
    this.#say(resource, 'ended', used, limit, whose);
    this.guest.endBecause(
      this.#error(
        resource === 'memory' ? 'guest/out-of-memory' : 'guest/over-limit',
        resource,
        used,
        limit,
        whose,
      ),
    );
  }

  /** The guest ends. All waiting messages are released. */
  close(): void {
    this.#closed = true;
    this.#pause?.clear();
    this.guest.link.release();
  }

  /** Handles messages at once, so requests are answered in order. Returns its end. */
  letThrough(): () => void {
    this.#free += 1;
    this.guest.link.release();
    return () => {
      this.#free -= 1;
    };
  }

  #hold(): void {
    if (!this.#closed && this.#free === 0) this.guest.link.hold();
  }

  #tooMany(resource: Resource, count: number, limit: number, whose: 'plugin' | 'tenant'): void {
    const { since, late } = this.#watch;
    const seconds = Math.max(1, (performance.now() - since) / TICK) + late / TICK;
    if (count <= limit * seconds) return;
    if (whose === 'plugin') this.#over = { resource, used: count, limit };
    this.#say(resource, 'throttled', count, limit, whose);
    this.#hold();
  }

  #tooManyCalls(used: number, limit: number, whose: 'plugin' | 'tenant'): PluginError {
    // Calls that other plugins of the tenant hold open are not this plugin's fault.
    if (whose === 'plugin') this.#over ??= { resource: 'calls', used, limit };
    this.#say('calls', 'throttled', used, limit, whose);
    return this.#error('call/overloaded', 'calls', used, limit, whose);
  }

  /** The average share over the last looks. Late looks only make it more exact. */
  #cpuShare(): number {
    // A short period is not conclusive.
    if (this.#cpu.length <= CPU_LOOKS / 2) return 0;
    const first = this.#cpu[0] as { cpu: number; at: number };
    const last = this.#cpu.at(-1) as { cpu: number; at: number };
    return (last.cpu - first.cpu) / (last.at - first.at);
  }

  #countCpu(cpu: number): void {
    this.#cpu.push({ cpu, at: performance.now() });
    if (this.#cpu.length > CPU_LOOKS + 1) this.#cpu.shift();
  }

  #escalate(): void {
    const over = this.#over;
    this.#over = undefined;
    // Messages from before the suspension still wait. Only CPU use shows that the plugin works.
    if (over !== undefined && this.#suspended && over.resource !== 'cpu') return;
    if (over === undefined) {
      this.#strikes = Math.max(0, this.#strikes - 1);
      this.#calm += 1;
      if (this.#calm >= CALM) this.#said.clear();
      return;
    }
    this.#calm = 0;
    this.#strikes += 1;
    if (this.#strikes * TICK < this.#watch.patience) return;
    this.#strikes = 0;
    const now = performance.now();
    this.#pauses = this.#pauses.filter((at) => now - at < MEMORY);
    const { resource, used, limit } = over;
    if (this.#suspended || this.#pauses.length >= this.#watch.pauses)
      this.end(resource, used, limit, 'plugin');
    else this.#suspend(resource, used, limit);
  }

  #suspend(resource: Resource, used: number, limit: number): void {
    const { parts, pause } = this.#watch;
    this.#suspended = true;
    this.#pauses.push(performance.now());
    const until = Date.now() + pause;
    this.#say(resource, 'suspended', used, limit, 'plugin');
    const blame = () =>
      this.#error('plugin/over-limit', resource, used, limit, 'plugin', { until });
    const suspending = this.#heard(parts.suspend(this.guest, blame));
    this.#pause = alarm(async () => {
      this.#suspended = false;
      // The plugin's hook may outlast the pause. Nothing can be resumed before it is suspended.
      await suspending;
      if (!this.#closed) await this.#heard(parts.resume(this.guest));
    }, pause);
  }

  /** No caller waits for this step. Its failure is reported, and must not end the application. */
  #heard(step: Promise<void>): Promise<void> {
    return step.catch((error: unknown) =>
      this.#watch.parts.log.write(
        'kernel',
        'error',
        `${this.#plugin} could not be suspended or resumed: ${messageOf(error)}`,
        { plugin: this.#plugin },
      ),
    );
  }

  /** Announces each step of a resource once, until the plugin has been calm. */
  #say(
    resource: Resource,
    step: LimitStep,
    used: number,
    limit: number,
    whose: 'plugin' | 'tenant',
  ): void {
    const key = `${resource} ${whose}`;
    if (STEPS.indexOf(this.#said.get(key)) >= STEPS.indexOf(step) && step !== 'suspended') return;
    this.#said.set(key, step);
    const { parts } = this.#watch;
    const plugin = this.#plugin;
    parts.log.write(
      'kernel',
      step === 'warned' ? 'info' : 'warn',
      `${plugin} is ${step}: ${describe(resource, used, limit, whose)}`,
      { plugin },
    );
    parts.announce('resource:limited', { plugin, resource, step, used, limit, of: whose });
  }

  #error(
    code: 'call/overloaded' | 'guest/over-limit' | 'guest/out-of-memory' | 'plugin/over-limit',
    resource: Resource,
    used: number,
    limit: number,
    whose: 'plugin' | 'tenant',
    more: object = {},
  ): PluginError {
    const plugin = this.#plugin;
    const what = code.startsWith('guest/')
      ? 'was ended'
      : code === 'plugin/over-limit'
        ? 'is suspended'
        : 'is refused';
    return createError(code, `${plugin} ${what}: ${describe(resource, used, limit, whose)}`, {
      plugin,
      details: { resource, used, limit, of: whose, ...more },
    });
  }
}

const STEPS: readonly (LimitStep | undefined)[] = [
  undefined,
  'warned',
  'throttled',
  'suspended',
  'ended',
];

const UNITS: Readonly<Record<Resource, string>> = {
  memory: 'bytes of memory',
  cpu: 'of a core',
  messages: 'messages a second',
  calls: 'open calls',
  logs: 'log entries a second',
};

function describe(
  resource: Resource,
  used: number,
  limit: number,
  whose: 'plugin' | 'tenant',
): string {
  const number = (value: number) =>
    resource === 'cpu' ? value.toFixed(2) : String(Math.round(value));
  return `${whose === 'tenant' ? 'with all of its tenant ' : ''}${number(used)} ${UNITS[resource]}, and ${number(limit)} is the limit`;
}
