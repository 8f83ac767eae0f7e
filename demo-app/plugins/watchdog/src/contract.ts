/** How whoever is watched lets the watchdog know; what it thinks of them can be had as a `HealthCheck`. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

const somebody = v.object({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) });

export const Watchdog = contract('demo.watchdog@1', {
  /** A sign of life; the first one of a name has it watched. */
  beat: command({ input: somebody, output: v.object({ since: v.nullable(v.number()) }), idempotent: true }),
  forget: command({ input: somebody, output: v.object({ known: v.boolean() }), idempotent: true }),
});
