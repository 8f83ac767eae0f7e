/** `ctx.messaging`: sends messages to plugins, and registers the one handler of messages. */
import type { PluginContext } from '../../context.js';
import type { CallOptions } from '../../contract/contract-types.js';
import { messageMember } from '../../contract/names.js';
import { Op } from '../../contract/operations.js';
import { attempt, pluginIn } from '../arguments.js';
import { parentOf } from '../handler-call.js';
import { requestKernel, timeoutOf } from '../kernel-calls.js';
import type { ContextParts } from './context-parts.js';
import { looseHandle } from './handles.js';
import type { Register } from './registrar.js';

/** Creates the messaging of one activation. */
export function createMessaging(
  parts: ContextParts,
  register: Register,
): PluginContext['messaging'] {
  const send = (plugin: string, message: unknown, options: CallOptions | undefined) =>
    attempt(() =>
      requestKernel(
        parts.link,
        Op.message,
        message,
        [pluginIn(plugin), timeoutOf(options), parentOf(parts.handling, options)?.sequence ?? 0],
        options?.signal,
      ),
    );
  return {
    send,
    route: (message, options) => send('', message, options),
    on: (handler) =>
      register('command', messageMember(parts.manifest.id), looseHandle(parts, handler)),
  };
}
