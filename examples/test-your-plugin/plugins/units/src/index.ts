import { definePlugin } from '@plinth/sdk';
import { MessageHandler } from '@plinth/sdk/contracts';
import { Units } from './contract.ts';

/** Metres of each unit. */
const METRES = new Map([
  ['m', 1],
  ['km', 1_000],
  ['mi', 1_609.344],
]);

/** What a message asks for, like `3 km in mi`. */
function askedIn(message: unknown): { value: number; from: string; to: string } | undefined {
  if (typeof message !== 'string') return undefined;
  const [, value, from = '', to = ''] = /^(\d+(?:\.\d+)?) (\w+) in (\w+)$/.exec(message) ?? [];
  return value === undefined ? undefined : { value: Number(value), from, to };
}

export default definePlugin({
  provides: [Units, MessageHandler],
  activate(ctx) {
    const metresOf = (unit: string, fail: (unit: string) => never) =>
      METRES.get(unit) ?? fail(unit);
    ctx.provide(Units, {
      async convert({ value, from, to }, call) {
        const fail = (unit: string) => call.fail('unknownUnit', { unit });
        const converted = (value * metresOf(from, fail)) / metresOf(to, fail);
        await ctx.storage.update('count', (count) => Number(count ?? 0) + 1);
        return { value: converted };
      },
      count: async () => Number((await ctx.storage.get('count')) ?? 0),
    });
    ctx.provide(MessageHandler, {
      canHandle: (message) => (askedIn(message) === undefined ? 0 : 0.9),
      handle(message) {
        const asked = askedIn(message);
        if (asked === undefined) return 'ask like: 3 km in mi';
        const [from, to] = [METRES.get(asked.from), METRES.get(asked.to)];
        return from === undefined || to === undefined ? 'unknown unit' : (asked.value * from) / to;
      },
    });
  },
});
