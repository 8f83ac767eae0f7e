/**
 * The next version of the clock: it keeps its count. It asks for a storage, which the version
 * before does without, so an update to it needs consent.
 */
import type { PluginContext } from '@plinth/sdk';
import ClockPlugin from '../../../plugins/clock/src/index.ts';

type Context = Parameters<ClockPlugin['activate']>[0];

export default class LastingClock extends ClockPlugin {
  #keep: ((ticks: number) => Promise<void>) | undefined;
  #keeping = false;

  override async activate(ctx: Context): Promise<void> {
    this.ticks = Number((await ctx.storage.get('ticks')) ?? this.ticks);
    this.#keep = keeping(ctx);
    super.activate(ctx);
  }

  /** A storage that is slow gets the next count, not each one. */
  protected override ticked(): void {
    if (this.#keeping) return;
    this.#keeping = true;
    void this.#keep?.(this.ticks).finally(() => {
      this.#keeping = false;
    });
  }
}

/** A count that can't be kept is lost; the next one follows. */
const keeping =
  ({ storage, logger }: Pick<PluginContext, 'storage' | 'logger'>) =>
  (ticks: number): Promise<void> =>
    storage
      .set('ticks', ticks)
      .catch((error: Error) => logger.warn(`could not keep a tick: ${error.message}`));
