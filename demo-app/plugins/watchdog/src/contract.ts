/** How watched components report to the watchdog. Its verdict is available as a `HealthCheck`. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

const component = v.object({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) });

export const Watchdog = contract('demo.watchdog@1', {
  /** A sign of life. The first one with a name starts watching it. */
  beat: command({
    input: component,
    output: v.object({ since: v.nullable(v.number()) }),
    idempotent: true,
  }),
  forget: command({ input: component, output: v.object({ known: v.boolean() }), idempotent: true }),
});
