import { definePlugin } from '@plinth/sdk';
import { Greeter } from './contract.ts';

export default definePlugin({
  provides: [Greeter],
  activate(ctx) {
    ctx.provide(Greeter, {
      async greet(name) {
        const times = await ctx.storage.update(name, (n: number | undefined) => (n ?? 0) + 1);
        return `Hello, ${name}! (${times} times)`;
      },
    });
  },
});
