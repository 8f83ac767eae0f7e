/** A plugin with one route, as an author writes it. */
import { HttpRoutes, routes } from '@plinth/http';
import { definePlugin } from '@plinth/sdk';

export default definePlugin({
  provides: [HttpRoutes],
  activate(ctx) {
    routes(ctx, {
      'GET /echo/:n': ({ params }) => ({ json: { ok: true, n: Number(params.n) } }),
    });
  },
});
