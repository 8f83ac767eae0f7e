/** The ways in which this plugin misbehaves, each on demand. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

const count = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));

/** What came of one thing that it tried. */
export const Attempt = v.object({ what: v.string(), allowed: v.boolean(), code: v.optional(v.string()) });

export const Rogue = contract('demo.rogue@1', {
  /** Fails the call and nothing else. */
  throw: command({ input: v.optional(v.object({ message: v.optional(v.string()) })) }),
  /** Answers, and then an error that nobody catches. */
  throwLater: command({}),
  /** Answers, and then a rejection that nobody handles. */
  reject: command({}),
  /** Keeps its thread busy, for ever unless told how long. */
  spin: command({ input: v.optional(v.object({ ms: v.optional(count(60_000)) })) }),
  /** Ends its thread without a word. */
  exit: command({}),
  /** Emits events and writes log entries as fast as it can, without waiting. */
  flood: command({
    input: v.optional(v.object({ events: v.optional(count(1_000_000), 20_000), logs: v.optional(count(1_000_000), 20_000) }), {}),
    output: v.object({ accepted: v.number(), refused: v.number() }),
  }),
  /** Sends messages that no honest guest sends; answers how many. */
  forge: command({
    input: v.optional(v.object({ kind: v.optional(v.picklist(['comlink', 'control', 'noise']), 'comlink') }), {}),
    output: v.object({ sent: v.number() }),
  }),
  /** Takes memory and keeps it. */
  leak: command({ input: v.object({ megabytes: count(8_192) }), output: v.object({ held: v.number() }) }),
  /** Tries what its manifest doesn't ask for. */
  ask: command({ output: v.array(Attempt) }),
});
