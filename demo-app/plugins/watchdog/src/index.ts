/**
 * Reports which components have been silent for too long, even if the silence began before a
 * restart.
 */
import { definePlugin } from '@plinth/sdk';
import { HealthCheck } from '@plinth/sdk/contracts';
import * as v from 'valibot';
import { Watchdog } from './contract.ts';

const PREFIX = 'beat:';

export default definePlugin({
  provides: [HealthCheck, Watchdog],
  config: v.object({ silence: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 60_000) }),
  async activate(ctx) {
    const { storage, config } = ctx;
    const heard = new Map<string, number>();
    for (const key of await storage.keys(PREFIX))
      heard.set(key.slice(PREFIX.length), v.parse(v.number(), await storage.get(key)));

    ctx.provide(Watchdog, {
      async beat({ name }) {
        const now = Date.now();
        const last = heard.get(name);
        heard.set(name, now);
        await storage.set(PREFIX + name, now);
        return { since: last === undefined ? null : now - last };
      },
      async forget({ name }) {
        await storage.delete(PREFIX + name);
        return { known: heard.delete(name) };
      },
    });
    ctx.provide(HealthCheck, {
      check() {
        const now = Date.now();
        const late = [...heard].flatMap(([name, at]) => (now - at > config.silence ? [name] : []));
        const status =
          late.length === 0 ? 'healthy' : late.length < heard.size ? 'degraded' : 'unhealthy';
        return { status, details: { watched: heard.size, late } };
      },
    });
  },
});
