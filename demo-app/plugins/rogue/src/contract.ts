/** The ways in which this plugin misbehaves, each on request. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

const count = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));

/** The result of one attempt. */
export const Attempt = v.object({
  what: v.string(),
  allowed: v.boolean(),
  code: v.optional(v.string()),
});

export const Rogue = contract('demo.rogue@1', {
  /** Fails only this call. */
  throw: command({ input: v.optional(v.object({ message: v.optional(v.string()) })) }),
  /** Answers, then throws an uncaught error. */
  throwLater: command({}),
  /** Answers, then leaves a rejection unhandled. */
  reject: command({}),
  /** Keeps its thread busy: for ever, or for a given time. */
  spin: command({ input: v.optional(v.object({ ms: v.optional(count(60_000)) })) }),
  /** Ends its thread without notice. */
  exit: command({}),
  /** Emits events and writes log entries as fast as it can, without waiting. */
  flood: command({
    input: v.optional(
      v.object({
        events: v.optional(count(1_000_000), 20_000),
        logs: v.optional(count(1_000_000), 20_000),
      }),
      {},
    ),
    output: v.object({ accepted: v.number(), refused: v.number() }),
  }),
  /** Sends messages that no honest guest sends. Returns how many. */
  forge: command({
    input: v.optional(
      v.object({ kind: v.optional(v.picklist(['comlink', 'control', 'noise']), 'comlink') }),
      {},
    ),
    output: v.object({ sent: v.number() }),
  }),
  /** Allocates memory and keeps it, with `most` no more than that in all. */
  leak: command({
    input: v.object({ megabytes: count(8_192), most: v.optional(count(8_192)) }),
    output: v.object({ held: v.number() }),
  }),
  /** Tries what its manifest doesn't ask for. */
  ask: command({ output: v.array(Attempt) }),
  /** Asks the person at the page for the right to read the notes. */
  request: command({ output: v.object({ granted: v.boolean() }), timeout: 600_000 }),
});
