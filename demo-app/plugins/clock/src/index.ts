/**
 * Ticks, and shows its ticks. A class, to show that a plugin can work without `definePlugin` and can
 * hold its own state, which it hands over when it is replaced.
 */
import type { HealthReport, Plugin, PluginContext } from '@plinth/sdk';
import { type Child, h, View, type Views, views } from '@plinth/ui';
import * as v from 'valibot';
import { Clock } from './contract.ts';

const Config = v.object({
  interval: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(3_600_000)),
    5_000,
  ),
});
type Config = v.InferOutput<typeof Config>;
const Ticks = v.pipe(v.number(), v.integer(), v.minValue(0));

export default class ClockPlugin implements Plugin<Record<never, never>, typeof Config> {
  readonly provides = [Clock, View];
  readonly config = Config;
  #interval = 0;
  #ticks = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tick: (() => void) | undefined;
  #face: Views | undefined;

  configure({ interval }: Config): void {
    this.#interval = interval;
    if (this.#tick !== undefined) this.#start(this.#tick);
    this.#face?.refresh();
  }

  getState(): number {
    return this.#ticks;
  }

  restoreState(ticks: unknown): void {
    this.#ticks = v.parse(Ticks, ticks);
  }

  activate(ctx: PluginContext<Record<never, never>, Config>): void {
    ctx.provide(Clock, {
      now: () => ({ time: Date.now(), ticks: this.#ticks, interval: this.#interval }),
    });
    this.#face = views(ctx, { clock: () => this.#show() });
    this.#tick = () => {
      this.#ticks += 1;
      this.#face?.refresh();
      // A tick that can't be emitted is lost; the next one follows.
      ctx.events
        .emit(Clock.tick, { time: Date.now(), ticks: this.#ticks })
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
    return { status: 'healthy', details: { ticks: this.#ticks, interval: this.#interval } };
  }

  #show(): Child {
    return h(
      'stack',
      { gap: 'small' },
      h('text', { size: 'large', strong: true }, `${this.#ticks} ticks`),
      h('text', { size: 'small' }, `one each ${this.#interval} ms`),
      h('stack', { direction: 'row' }, h('button', { onPress: () => this.#tick?.() }, 'Tick now')),
    );
  }

  #start(tick: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(tick, this.#interval);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#tick = undefined;
  }
}
