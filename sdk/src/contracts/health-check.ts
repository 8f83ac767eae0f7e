/** Health of what a plugin looks after. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

/**
 * Reports the health of what a plugin looks after. The plugin's own health is its `healthCheck`.
 */
export const HealthCheck = contract('plinth.health-check@1', {
  check: command({
    output: v.object({
      status: v.picklist(['healthy', 'degraded', 'unhealthy']),
      details: v.optional(v.record(v.string(), v.unknown())),
    }),
    idempotent: true,
  }),
});
