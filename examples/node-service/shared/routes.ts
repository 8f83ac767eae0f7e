/** Routes of a plugin whose refusals are answered: below `/api/` as JSON, else as a page. */
import type { RouteHandler, RouteHandlers } from '@plinth/http';
import { Refused } from './input.ts';
import { errorJson, errorPage } from './page.ts';

/** Answers what handlers refuse. Any other error is the plugin's fault, and stays one. */
export function answered<const Route extends string>(
  handlers: RouteHandlers<Route>,
): RouteHandlers<Route> {
  const all = Object.entries<RouteHandler>(handlers as Readonly<Record<string, RouteHandler>>);
  return Object.fromEntries(
    all.map(([route, handler]) => [
      route,
      async (...given: Parameters<RouteHandler>) => {
        try {
          return await handler(...given);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          const answer = route.includes(' /api/') ? errorJson : errorPage;
          return answer(error.status, error.message);
        }
      },
    ]),
  ) as RouteHandlers<Route>;
}
