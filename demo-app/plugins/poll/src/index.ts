/** Asks a question over HTTP, and counts the answers. */
import { definePlugin } from '@plinth/sdk';
import { HttpRoutes } from '@plinth/sdk/contracts';
import * as v from 'valibot';

const JSON_TEXT = { 'content-type': 'application/json' };
const VOTES = 'votes';
const json = (status: number, value: unknown) => ({
  status,
  headers: JSON_TEXT,
  body: JSON.stringify(value),
});

export default definePlugin({
  provides: [HttpRoutes],
  config: v.object({
    question: v.optional(v.string(), 'Tea or coffee?'),
    choices: v.optional(v.pipe(v.array(v.string()), v.minLength(2)), ['tea', 'coffee']),
  }),
  activate(ctx) {
    const { storage, config } = ctx;
    const routes = [
      {
        method: 'GET',
        path: '/',
        summary: 'The question and its choices',
        answer: async () => json(200, { question: config.question, choices: config.choices }),
      },
      {
        method: 'GET',
        path: '/results',
        summary: 'How often each choice was made',
        async answer() {
          const votes = (await storage.get(VOTES)) as ReadonlyMap<string, number> | undefined;
          return json(
            200,
            config.choices.map((choice) => ({ choice, votes: votes?.get(choice) ?? 0 })),
          );
        },
      },
      {
        method: 'POST',
        path: '/votes',
        summary: 'Makes a choice: the body is its text',
        async answer(body: unknown) {
          if (typeof body !== 'string' || !config.choices.includes(body))
            return json(400, { error: `choose one of ${config.choices.join(', ')}` });
          const votes = await storage.update<Map<string, number>>(VOTES, (current) =>
            new Map(current).set(body, (current?.get(body) ?? 0) + 1),
          );
          return json(201, { choice: body, votes: votes.get(body) });
        },
      },
    ] as const;

    ctx.provide(HttpRoutes, {
      list: () => routes.map(({ method, path, summary }) => ({ method, path, summary })),
      async handle({ method, path, body }) {
        const here = routes.filter((route) => route.path === path);
        const route = here.find((one) => one.method === method);
        if (route !== undefined) return route.answer(body);
        if (here.length === 0) return json(404, { error: `there is no ${path}` });
        return {
          ...json(405, { error: `${path} has no ${method}` }),
          headers: { ...JSON_TEXT, allow: here.map((one) => one.method).join(', ') },
        };
      },
    });
  },
});
