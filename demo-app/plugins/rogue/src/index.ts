/** Misbehaves on request, to show how the kernel and the other plugins react. */
import { definePlugin } from '@plinth/sdk';
import { askForTooMuch } from './ask.ts';
import { Rogue } from './contract.ts';
import { forge } from './forge.ts';
import { endThread } from './raw-port.ts';

/** Numbers that aren't small integers take eight bytes each on the heap. */
const NUMBERS_PER_MEGABYTE = 131_072;
/** Megabytes that are allocated in one turn. */
const AT_A_TIME = 32;

export default definePlugin({
  provides: [Rogue],
  activate(ctx) {
    const kept: number[][] = [];
    ctx.provide(Rogue, {
      throw(input) {
        throw new Error(input?.message ?? 'rogue threw');
      },
      throwLater() {
        setTimeout(() => {
          throw new Error('rogue threw an error that is not caught');
        }, 0);
      },
      reject() {
        void Promise.reject(new Error('rogue rejected a promise that is not handled'));
      },
      spin(input) {
        const end = performance.now() + (input?.ms ?? Number.POSITIVE_INFINITY);
        while (performance.now() < end);
      },
      exit: () => endThread(),
      async flood({ events, logs }) {
        const sent: Promise<void>[] = [];
        for (let number = 0; number < events; number++)
          sent.push(ctx.events.emit('noise', { number }));
        for (let number = 0; number < logs; number++) ctx.logger.debug('noise', { number });
        const outcomes = await Promise.allSettled(sent);
        const accepted = outcomes.filter(({ status }) => status === 'fulfilled').length;
        return { accepted, refused: outcomes.length - accepted };
      },
      forge: async ({ kind }) => ({
        sent: await forge(kind, () => ctx.events.on('demo.rogue:nothing', () => {}).dispose()),
      }),
      async leak({ megabytes, most = Number.POSITIVE_INFINITY }) {
        for (let count = 0; count < megabytes && kept.length < most; count++) {
          kept.push(new Array<number>(NUMBERS_PER_MEGABYTE).fill(Math.random()));
          // It answers the kernel meanwhile: its memory is its end, and not its silence.
          if (count % AT_A_TIME === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        }
        return { held: kept.length };
      },
      ask: () => askForTooMuch(ctx),
      request: async () => ({
        granted: await ctx.permissions.request('commands.execute', 'demo.notes:list', {
          why: 'to count your notes',
        }),
      }),
    });
  },
});
