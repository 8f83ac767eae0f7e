import { HttpRoutes, routes } from '@plinth/http';
import { definePlugin } from '@plinth/sdk';

export default definePlugin({
  provides: [HttpRoutes],
  activate(ctx) {
    routes(ctx, {
      'GET /texts': async () => ({ json: await ctx.storage.keys() }),
      'GET /texts/:name': async ({ params }) => {
        const text = await ctx.storage.get(params.name);
        return text === undefined ? { status: 404 } : { body: String(text) };
      },
      'PUT /texts/:name': async ({ params, body }) => {
        if (typeof body !== 'string') return { status: 415, json: { error: 'send a text' } };
        await ctx.storage.set(params.name, body);
        return { status: 201, json: { name: params.name } };
      },
      'DELETE /texts/:name': async ({ params }) => ({
        status: (await ctx.storage.delete(params.name)) ? 204 : 404,
      }),
    });
  },
});
