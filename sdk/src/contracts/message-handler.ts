/** Messages for the handler that suits them best. */
import * as v from 'valibot';
import { command, contract, hook } from '../contract/contract.js';

/**
 * Handles messages that name no receiver. Every provider returns its confidence, and the highest
 * gets the message. A plugin that handles only some types lists them in its manifest,
 * `"contributes": { "messages": [{ "type": "weather.*" }] }`: it is asked, and activated, only for
 * messages with such a `type`. Without a list it is asked about all.
 *
 * @example
 * ctx.provide(MessageHandler, {
 *   canHandle: (message) => (typeof message === 'string' && message.startsWith('/weather') ? 0.9 : 0),
 *   handle: (message) => forecast(message),
 * });
 */
export const MessageHandler = contract('plinth.message-handler@1', {
  /** 0 for "not mine" to 1 for "only mine". */
  canHandle: hook({ input: v.unknown(), output: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  handle: command({ input: v.unknown(), output: v.unknown() }),
});
