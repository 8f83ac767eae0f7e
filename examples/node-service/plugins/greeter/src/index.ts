/** Greets over HTTP. */
import { definePlugin } from '@plinth/sdk';
import { HttpRoutes } from '@plinth/sdk/contracts';

export default definePlugin({
  provides: [HttpRoutes],
  activate(ctx) {
    ctx.provide(HttpRoutes, {
      list: () => [{ method: 'GET', path: '/hello', summary: 'Greets by name' }],
      async handle({ query }) {
        const name = query['name'];
        if (name === undefined || name === '') return { status: 400, body: 'who? ?name=…' };
        const times = await ctx.storage.update(name, (n: number | undefined) => (n ?? 0) + 1);
        return { status: 200, body: `Hello, ${name}! (${times} times)` };
      },
    });
  },
});
