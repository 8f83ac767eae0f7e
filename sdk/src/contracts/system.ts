/** The system that plugins run on. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const count = v.number();

/**
 * What this kernel runs on, and its load. The kernel provides it; a caller needs the permission
 * `system.read`.
 *
 * @example
 * // plugin.json: "needs": ["plinth.system@^1"], "permissions": { "system": { "read": true } }
 * const { runtime, load } = await ctx.services.get(System).info();
 */
export const System = contract('plinth.system@1', {
  info: command({
    output: v.object({
      /** `node`, `browser`, …; absent if the host doesn't name one. */
      runtime: v.optional(v.string()),
      /** Isolation levels available here. */
      isolations: v.array(v.string()),
      tenant: v.string(),
      /** Versions of the kernel (`plinth`) and of what it runs on, as far as the host knows. */
      versions: v.record(v.string(), v.string()),
      load: v.object({
        /** Milliseconds since the kernel was created. */
        uptime: v.number(),
        plugins: v.object({ total: count, active: count, suspended: count, failed: count }),
        /** Settled calls, and how many of them failed. */
        calls: count,
        failures: count,
        /** Bytes used by the application, if the host knows. */
        memory: v.optional(v.number()),
        /** Recent load of the machine's processors, 0 and up, if the host knows. */
        cpu: v.optional(v.number()),
      }),
    }),
    idempotent: true,
  }),
});
