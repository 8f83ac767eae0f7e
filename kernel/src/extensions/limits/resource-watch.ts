/**
 * Enforces resource limits in visible steps: a warning near the limit; throttling over it (messages
 * wait in order until the second is over); suspension if that continues; the end of the guest if
 * that does not help. Memory can't be throttled: it has a warning and the end.
 */
import type { Manifest } from '@plinth/sdk/contract';
import type { MeteredGuest, Metering } from '../../guests/guest-meter.js';
import type { TrustLevel } from '../../permissions/trust-level.js';
import { Meter } from './meter.js';
import { type MeterWatch, type ResourceWatchParts, TICK } from './meter-watch.js';
import { type Limited, limitsFor, tenantLimits } from './resource-policy.js';

/** Owns a tenant's meters and their one timer, which runs only while something is limited. */
export class ResourceWatch implements Metering, MeterWatch {
  readonly parts: ResourceWatchParts;
  readonly tenant: Limited;
  readonly patience: number;
  readonly pause: number;
  readonly pauses: number;
  readonly #meters = new Set<Meter>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** When the current second began, in milliseconds of the monotonic clock. */
  since = performance.now();
  /** Milliseconds by which the last look was late: waiting messages took longer than a second. */
  late = 0;
  /** Messages of all plugins in this second. */
  messages = 0;

  constructor(parts: ResourceWatchParts) {
    this.parts = parts;
    this.tenant = tenantLimits(parts.policy);
    const { patience = 5_000, pause = 10_000, pauses = 2 } = parts.policy ?? {};
    [this.patience, this.pause, this.pauses] = [patience, pause, pauses];
  }

  limitsOf(manifest: Manifest, level: TrustLevel | undefined): Limited {
    return limitsFor(this.parts.policy, manifest, level);
  }

  /** Makes the meter of a guest that is being launched. */
  meter(manifest: Manifest, level: TrustLevel | undefined, guest: MeteredGuest): Meter {
    return new Meter(this, manifest.id, this.limitsOf(manifest, level), guest);
  }

  /** The guest of a meter has started. */
  started(meter: Meter): void {
    if (this.#closed) return void meter.close();
    this.#meters.add(meter);
    if (!meter.needsTime || this.#timer !== undefined) return;
    this.since = performance.now();
    this.late = 0;
    this.#arm();
  }

  /** The guest of a meter has ended. */
  ended(meter: Meter): void {
    this.#meters.delete(meter);
    meter.close();
    if (!this.#needsTime) this.#disarm();
  }

  get #needsTime(): boolean {
    return [...this.#meters].some(({ needsTime }) => needsTime);
  }

  /** Open requests of all plugins. */
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
    // Guests that were ended just now don't count.
    this.#holdTenant([...this.#meters]);
    if (!this.#closed && this.#needsTime) this.#arm();
    else this.#timer = undefined;
  }

  /** Checks the memory of all guests together, and ends the largest over the limit. */
  #holdTenant(meters: readonly Meter[]): void {
    const total = meters.reduce((sum, { memory }) => sum + memory, 0);
    if (total <= this.tenant.memory) return;
    const greediest = meters.reduce((most, one) => (one.memory > most.memory ? one : most));
    greediest.end('memory', total, this.tenant.memory, 'tenant');
  }
}
