/** How something is. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

/** Says how whatever a plugin looks after is; its own health is `healthCheck` of the plugin. */
export const HealthCheck = contract('plinth.health-check@1', {
  check: command({
    output: v.object({ status: v.picklist(['healthy', 'degraded', 'unhealthy']), details: v.optional(v.record(v.string(), v.unknown())) }),
    idempotent: true,
  }),
});
