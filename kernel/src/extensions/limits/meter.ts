/** Measures one guest, and slows, suspends or ends it when it is over a limit. */

import { type Alarm, alarm, createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { sizeOf } from '@plinth/sdk/rpc';
import type { GuestMeter, MeteredGuest } from '../../guests/guest-meter.js';
import type { ResourceUsage } from '../../host.js';
import type { Resource } from '../../kernel-events.js';
import { CpuShare } from './cpu-share.js';
import { LimitSteps } from './limit-steps.js';
import { type MeterWatch, TICK } from './meter-watch.js';
import { type Limited, MAX_CALLS } from './resource-policy.js';

/** The share of a limit from which a plugin is warned. */
const NEAR = 0.8;
/** Bytes by which a heap may exceed the memory in use. */
const GARBAGE = 32_000_000;
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
  readonly #steps: LimitSteps;
  #over: { readonly resource: Resource; readonly used: number; readonly limit: number } | undefined;
  readonly #cpu = new CpuShare();
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
    this.#steps = new LimitSteps(plugin, watch.parts);
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
      if (this.#logs <= this.limits.logs) this.#steps.forget('logs');
      this.#logsSince = now;
      this.#logs = 0;
    }
    this.#logs += 1;
    if (this.#logs <= this.limits.logs) return true;
    this.#steps.say('logs', 'throttled', this.#logs, this.limits.logs, 'plugin');
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
      this.#steps.say('messages', 'warned', rate, this.limits.messages, 'plugin');
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
        if (usage?.cpu !== undefined) this.#cpu.add(usage.cpu);
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
    if (this.memory > memory * NEAR)
      this.#steps.say('memory', 'warned', this.memory, memory, 'plugin');
    const share = this.#cpu.share;
    if (share > cpu) {
      this.#over = { resource: 'cpu', used: share, limit: cpu };
      this.#steps.say('cpu', 'throttled', share, cpu, 'plugin');
      this.#hold();
    } else if (share > cpu * NEAR) this.#steps.say('cpu', 'warned', share, cpu, 'plugin');
    this.#escalate();
  }

  /** Ends the guest because of its use. */
  end(resource: Resource, used: number, limit: number, whose: 'plugin' | 'tenant'): void {
    this.#steps.say(resource, 'ended', used, limit, whose);
    this.guest.endBecause(
      this.#steps.error(
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
    this.#steps.say(resource, 'throttled', count, limit, whose);
    this.#hold();
  }

  #tooManyCalls(used: number, limit: number, whose: 'plugin' | 'tenant'): PluginError {
    // Calls that other plugins of the tenant hold open are not this plugin's fault.
    if (whose === 'plugin') this.#over ??= { resource: 'calls', used, limit };
    this.#steps.say('calls', 'throttled', used, limit, whose);
    return this.#steps.error('call/overloaded', 'calls', used, limit, whose);
  }

  #escalate(): void {
    const over = this.#over;
    this.#over = undefined;
    // Messages from before the suspension still wait. Only CPU use shows that the plugin works.
    if (over !== undefined && this.#suspended && over.resource !== 'cpu') return;
    if (over === undefined) {
      this.#strikes = Math.max(0, this.#strikes - 1);
      this.#calm += 1;
      if (this.#calm >= CALM) this.#steps.clear();
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
    this.#steps.say(resource, 'suspended', used, limit, 'plugin');
    const blame = () =>
      this.#steps.error('plugin/over-limit', resource, used, limit, 'plugin', { until });
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
}
