/** The contract of the echo plugin with valibot schemas, for the host and inside the bundle. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

export const argumentSchema = v.object({
  n: v.number(),
  command: v.string(),
  path: v.string(),
  flags: v.object({ preview: v.boolean(), column: v.number() }),
});
export const answerSchema = v.object({ ok: v.boolean(), n: v.number() });

export const ParsedEcho = contract('bench.parsed@1', {
  run: command({ input: argumentSchema, output: answerSchema, idempotent: true }),
});
