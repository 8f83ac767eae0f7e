/** Messages for whoever handles them best. */
import * as v from 'valibot';
import { command, contract, hook } from '../contract/contract.js';

/**
 * Handles messages that are addressed to nobody in particular: every provider says how sure it is, and the surest gets the
 * message.
 *
 * @example
 * ctx.provide(MessageHandler, {
 *   canHandle: (message) => (typeof message === 'string' && message.startsWith('/weather') ? 0.9 : 0),
 *   handle: (message) => forecast(message),
 * });
 */
export const MessageHandler = contract('plinth.message-handler@1', {
  /** 0 for "not mine" to 1 for "nobody else's". */
  canHandle: hook({ input: v.unknown(), output: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  handle: command({ input: v.unknown(), output: v.unknown() }),
});
