/**
 * Holds plugins to what they may use, in steps that everybody can see: it is warned near a limit, throttled beyond it (what it sends waits in
 * order, and nobody takes it until the second is over), suspended when that goes on, and ended when suspending it has changed nothing. Memory
 * can't be throttled: there the steps are a warning and the end.
 */
import { createError, type Manifest, messageOf, type PluginError } from '@plinth/sdk/contract';
import { type Link, sizeOf } from '@plinth/sdk/rpc';
import type { KernelEvents } from '../events/kernel-events.js';
import type { ResourceUsage } from '../host.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { Log } from '../telemetry/logger.js';
import { type Limited, type LimitStep, limitsFor, MAX_CALLS, type Resource, type ResourcePolicy, tenantLimits } from './resource-policy.js';

/** A running guest as its meter sees it. */
export interface MeteredGuest {
  readonly link: Link;
  usage(): Promise<ResourceUsage | undefined>;
  endBecause(error: Error): void;
}

/** What the watch needs of the kernel. */
export interface ResourceWatchParts {
  readonly policy: ResourcePolicy | undefined;
  readonly log: Log;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /** Suspends a running plugin, by its guest; whoever calls it meanwhile hears `blame`. */
  suspend(guest: MeteredGuest, blame: () => PluginError): Promise<void>;
  /** Ends that, when it is still so. */
  resume(guest: MeteredGuest): Promise<void>;
}

/** Milliseconds between two looks. */
const TICK = 1_000;
/** From which share of a limit on a plugin is warned. */
const NEAR = 0.8;
/** Bytes that a heap may be larger than what is in use. */
const GARBAGE = 32_000_000;
/** Looks over which the use of CPU is averaged. */
const CPU_LOOKS = 10;
/** Calm looks after which the steps begin anew. */
const CALM = 10;
/** Milliseconds in which suspensions count. */
const MEMORY = 300_000;

const DEFAULTS = { patience: 5, pause: 10_000, pauses: 2 };

/** Owns the meters of one tenant and the one timer behind them, which runs only while something is limited. */
export class ResourceWatch {
  readonly parts: ResourceWatchParts;
  readonly tenant: Limited;
  readonly patience: number;
  readonly pause: number;
  readonly pauses: number;
  readonly #meters = new Set<Meter>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** When the second began, in milliseconds of the monotonic clock. */
  since = performance.now();
  /** Milliseconds by which the last look was late: what has come meanwhile is taken only now, and came in more than a second. */
  late = 0;
  /** Messages of all plugins in this second. */
  messages = 0;

  constructor(parts: ResourceWatchParts) {
    this.parts = parts;
    this.tenant = tenantLimits(parts.policy);
    ({ patience: this.patience, pause: this.pause, pauses: this.pauses } = { ...DEFAULTS, ...parts.policy });
  }

  /** A meter for a guest that is launched now. */
  meter(manifest: Manifest, level: TrustLevel | undefined, guest: MeteredGuest): Meter {
    return new Meter(this, manifest.id, limitsFor(this.parts.policy, manifest, level), guest);
  }

  /** Its guest runs. */
  started(meter: Meter): void {
    if (this.#closed) return void meter.close();
    this.#meters.add(meter);
    if (!meter.needsTime || this.#timer !== undefined) return;
    this.since = performance.now();
    this.late = 0;
    this.#arm();
  }

  /** Its guest has ended. */
  ended(meter: Meter): void {
    this.#meters.delete(meter);
    meter.close();
    if (!this.#needsTime) this.#disarm();
  }

  get #needsTime(): boolean {
    return [...this.#meters].some(({ needsTime }) => needsTime);
  }

  /** Requests of all plugins that are open. */
  get calls(): number {
    let calls = 0;
    for (const { guest } of this.#meters) calls += guest.link.serving;
    return calls;
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
    for (const meter of this.#meters) meter.close();
    this.#meters.clear();
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#look(), TICK);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    const seconds = Math.max(1, (now - this.since + this.late) / TICK);
    this.late = Math.max(0, now - this.since - TICK);
    this.since = now;
    this.messages = 0;
    for (const meter of [...this.#meters]) {
      meter.countMessages(seconds);
      meter.judge();
      meter.measure();
    }
    // Not those that were ended just now.
    this.#holdTenant([...this.#meters]);
    if (!this.#closed && this.#needsTime) this.#arm();
    else this.#timer = undefined;
  }

  /** Memory that all have together: whoever has most of it goes. */
  #holdTenant(meters: readonly Meter[]): void {
    const total = meters.reduce((sum, { memory }) => sum + memory, 0);
    if (total <= this.tenant.memory) return;
    const greediest = meters.reduce((most, one) => (one.memory > most.memory ? one : most));
    greediest.end('memory', total, this.tenant.memory, 'tenant');
  }
}

/** What one guest uses. */
export class Meter {
  readonly limits: Limited;
  readonly guest: MeteredGuest;
  readonly #watch: ResourceWatch;
  readonly #plugin: string;
  #messages = 0;
  #logs = 0;
  #logsSince = Number.NEGATIVE_INFINITY;
  /** Looks in a row, more or less, at which it was beyond a limit. */
  #strikes = 0;
  #calm = 0;
  /** What was said of each resource since it was calm. */
  readonly #said = new Map<string, LimitStep>();
  #over: { readonly resource: Resource; readonly used: number; readonly limit: number } | undefined;
  #cpu: { readonly cpu: number; readonly at: number }[] = [];
  #pauses: number[] = [];
  #usage: ResourceUsage | undefined;
  #measuring = false;
  #suspended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** How many have it let everything through for a while. */
  #free = 0;

  constructor(watch: ResourceWatch, plugin: string, limits: Limited, guest: MeteredGuest) {
    this.#watch = watch;
    this.#plugin = plugin;
    this.limits = limits;
    this.guest = guest;
  }

  /** Whether anything of it has to be looked at now and then. */
  get needsTime(): boolean {
    const { messages, calls, cpu, memory } = this.limits;
    const { tenant } = this.#watch;
    return calls < MAX_CALLS || [messages, cpu, memory, tenant.messages, tenant.memory].some(Number.isFinite);
  }

  /** Whether its calls have to be counted, so that none may go by another way. */
  get counts(): boolean {
    const { tenant } = this.#watch;
    return [this.limits.messages, this.limits.messageSize, tenant.messages, tenant.calls].some(Number.isFinite) || this.limits.calls < MAX_CALLS;
  }

  /** A note has come. */
  note(): void {
    this.#messages += 1;
    if (this.#messages > this.limits.messages) this.#tooMany('messages', this.#messages, this.limits.messages, 'plugin');
    const { tenant } = this.#watch;
    if (Number.isFinite(tenant.messages)) {
      this.#watch.messages += 1;
      if (this.#watch.messages > tenant.messages) this.#tooMany('messages', this.#watch.messages, tenant.messages, 'tenant');
    }
  }

  /**
   * A request has come.
   *
   * @throws PluginOverloadedError `call/overloaded` when too many are open.
   */
  request(): void {
    this.note();
    const { tenant } = this.#watch;
    const { serving } = this.guest.link;
    if (serving >= this.limits.calls) throw this.#tooManyCalls(serving + 1, this.limits.calls, 'plugin');
    if (Number.isFinite(tenant.calls) && this.#watch.calls >= tenant.calls) throw this.#tooManyCalls(this.#watch.calls + 1, tenant.calls, 'tenant');
  }

  /** Whether an entry may be written into the log: it is read by people, and remembered by the kernel. */
  logEntry(): boolean {
    const now = performance.now();
    if (now - this.#logsSince >= TICK) {
      // A flood is told once; the next one is another.
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
    throw createError('value/invalid', `a message of ${this.#plugin} is refused: it has ${bytes} bytes, and ${messageSize} is the limit`, {
      plugin: this.#plugin,
      details: { bytes, limit: messageSize },
    });
  }

  /** A second is over: what has waited goes on. */
  countMessages(seconds: number): void {
    const rate = this.#messages / seconds;
    this.#messages = 0;
    this.guest.link.release();
    if (rate >= this.limits.messages * NEAR) this.#say('messages', 'warned', rate, this.limits.messages, 'plugin');
  }

  /** Asks what it uses, where that can be told. A guest that is too busy to say so is asked once only, and judged by the answer when it comes. */
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

  /** Bytes, as far as that is known. */
  get memory(): number {
    return this.#usage?.memory ?? 0;
  }

  /** Once a second. */
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

  /** Ends the guest for what it uses. */
  end(resource: Resource, used: number, limit: number, whose: 'plugin' | 'tenant'): void {
    this.#say(resource, 'ended', used, limit, whose);
    this.guest.endBecause(this.#error(resource === 'memory' ? 'guest/out-of-memory' : 'guest/over-limit', resource, used, limit, whose));
  }

  /** The guest ends: nothing of it is held any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.guest.link.release();
  }

  /** What it sends is taken at once, so that what is asked of it in order can be answered in order; the answer ends that. */
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
    // What others of the tenant hold open is not its fault.
    if (whose === 'plugin') this.#over ??= { resource: 'calls', used, limit };
    this.#say('calls', 'throttled', used, limit, whose);
    return this.#error('call/overloaded', 'calls', used, limit, whose);
  }

  /** The share over the last looks; looks that came late only make it more exact. */
  #cpuShare(): number {
    // A short while says nothing yet.
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
    // What it had sent before it was suspended is still being taken, at its limit: only work shows that it goes on.
    if (over !== undefined && this.#suspended && over.resource !== 'cpu') return;
    if (over === undefined) {
      this.#strikes = Math.max(0, this.#strikes - 1);
      this.#calm += 1;
      if (this.#calm >= CALM) this.#said.clear();
      return;
    }
    this.#calm = 0;
    this.#strikes += 1;
    if (this.#strikes < this.#watch.patience) return;
    this.#strikes = 0;
    const now = performance.now();
    this.#pauses = this.#pauses.filter((at) => now - at < MEMORY);
    const { resource, used, limit } = over;
    if (this.#suspended || this.#pauses.length >= this.#watch.pauses) this.end(resource, used, limit, 'plugin');
    else this.#suspend(resource, used, limit);
  }

  #suspend(resource: Resource, used: number, limit: number): void {
    const { parts, pause } = this.#watch;
    this.#suspended = true;
    this.#pauses.push(performance.now());
    const until = Date.now() + pause;
    this.#say(resource, 'suspended', used, limit, 'plugin');
    const blame = () => this.#error('plugin/over-limit', resource, used, limit, 'plugin', { until });
    const suspending = this.#heard(parts.suspend(this.guest, blame));
    this.#timer = setTimeout(async () => {
      this.#suspended = false;
      // Its own hook may take longer than the pause: before it is suspended there is nothing to resume.
      await suspending;
      if (!this.#closed) await this.#heard(parts.resume(this.guest));
    }, pause);
  }

  /** Nobody waits for it: what goes wrong is told, and must not end the application. */
  #heard(step: Promise<void>): Promise<void> {
    return step.catch((error: unknown) =>
      this.#watch.parts.log.write('kernel', 'error', `${this.#plugin} could not be suspended or resumed: ${messageOf(error)}`, { plugin: this.#plugin }),
    );
  }

  /** Tells of each step of a resource once, until it has been calm. */
  #say(resource: Resource, step: LimitStep, used: number, limit: number, whose: 'plugin' | 'tenant'): void {
    const key = `${resource} ${whose}`;
    if (STEPS.indexOf(this.#said.get(key)) >= STEPS.indexOf(step) && step !== 'suspended') return;
    this.#said.set(key, step);
    const { parts } = this.#watch;
    const plugin = this.#plugin;
    parts.log.write('kernel', step === 'warned' ? 'info' : 'warn', `${plugin} is ${step}: ${describe(resource, used, limit, whose)}`, { plugin });
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
    const what = code.startsWith('guest/') ? 'was ended' : code === 'plugin/over-limit' ? 'is suspended' : 'is refused';
    return createError(code, `${plugin} ${what}: ${describe(resource, used, limit, whose)}`, { plugin, details: { resource, used, limit, of: whose, ...more } });
  }
}

const STEPS: readonly (LimitStep | undefined)[] = [undefined, 'warned', 'throttled', 'suspended', 'ended'];

const UNITS: Readonly<Record<Resource, string>> = { memory: 'bytes of memory', cpu: 'of a core', messages: 'messages a second', calls: 'open calls', logs: 'log entries a second' };

function describe(resource: Resource, used: number, limit: number, whose: 'plugin' | 'tenant'): string {
  const number = (value: number) => (resource === 'cpu' ? value.toFixed(2) : String(Math.round(value)));
  return `${whose === 'tenant' ? 'with all of its tenant ' : ''}${number(used)} ${UNITS[resource]}, and ${number(limit)} is the limit`;
}
