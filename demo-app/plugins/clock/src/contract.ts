/** The clock's commands and events. Times are milliseconds since the epoch. */
import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';

export const Clock = contract('demo.clock@1', {
  now: command({
    output: v.object({ time: v.number(), ticks: v.number(), interval: v.number() }),
    idempotent: true,
  }),
  tick: event(v.object({ time: v.number(), ticks: v.number() })),
});
