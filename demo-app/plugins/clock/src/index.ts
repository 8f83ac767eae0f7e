/**
 * Ticks. A class, to show that a plugin can work without `definePlugin` and can hold its own state.
 */
import type { HealthReport, Plugin, PluginContext } from '@plinth/sdk';
import * as v from 'valibot';
import { Clock } from './contract.ts';

const Config = v.object({
  interval: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(3_600_000)),
    5_000,
  ),
});
type Config = v.InferOutput<typeof Config>;

export default class ClockPlugin implements Plugin<Record<never, never>, typeof Config> {
  readonly provides = [Clock];
  readonly config = Config;
  #interval = 0;
  /** Counted since it was activated. */
  protected ticks = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tick: (() => void) | undefined;

  configure({ interval }: Config): void {
    this.#interval = interval;
    if (this.#tick !== undefined) this.#start(this.#tick);
  }

  activate(ctx: PluginContext<Record<never, never>, Config>): void {
    ctx.provide(Clock, {
      now: () => ({ time: Date.now(), ticks: this.ticks, interval: this.#interval }),
    });
    this.#tick = () => {
      this.ticks += 1;
      this.ticked();
      // A tick that can't be emitted is lost; the next one follows.
      ctx.events
        .emit(Clock.tick, { time: Date.now(), ticks: this.ticks })
        .catch((error: Error) => ctx.logger.warn(`lost a tick: ${error.message}`));
    };
    this.#start(this.#tick);
    ctx.defer(() => this.#stop());
  }

  suspend(): void {
    clearInterval(this.#timer);
  }

  resume(): void {
    if (this.#tick !== undefined) this.#start(this.#tick);
  }

  healthCheck(): HealthReport {
    return { status: 'healthy', details: { ticks: this.ticks, interval: this.#interval } };
  }

  /** For a later version, which does more with a tick. */
  protected ticked(): void {}

  #start(tick: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(tick, this.#interval);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#tick = undefined;
  }
}
