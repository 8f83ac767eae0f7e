/** `ctx.hooks`: asks the handlers of hooks, and registers the plugin's own. */
import type { LooseHandler } from '../../context.js';
import type { Hook } from '../../contract/contract.js';
import {
  foldAnswers,
  type HookOptions,
  type HookOutcome,
  hookProvider,
} from '../../contract/hook-answers.js';
import { type HookMode, Op } from '../../contract/operations.js';
import { attempt, idIn, textIn } from '../arguments.js';
import { parentOf } from '../handler-call.js';
import { requestAbout, timeoutOf } from '../kernel-calls.js';
import { createLogger } from '../logger.js';
import type { ContextParts } from './context-parts.js';
import { looseHandle, schemaHandle } from './handles.js';
import type { Register } from './registrar.js';

/** Creates the hooks of one activation. */
export function createHooks(parts: ContextParts, register: Register) {
  type HookRef = string | (Hook & { readonly id: string });
  const logger = createLogger(parts.link);
  const ask = (mode: HookMode) => (hook: HookRef, input: unknown, options?: HookOptions) =>
    attempt(async () => {
      const id = textIn(typeof hook === 'string' ? hook : hook?.id, 'the id of a hook');
      const strict = options?.strict === true;
      const provider = hookProvider(options);
      const asked = strict ? 1 : 0;
      const meta = [
        mode,
        timeoutOf(options),
        parentOf(parts.handling, options)?.sequence ?? 0,
        // With a provider, its id follows in the same fact: the name of the hook is the next one.
        provider === undefined ? asked : `${asked}${provider}`,
      ];
      const outcomes = (await requestAbout(
        parts.link,
        Op.hook,
        id,
        input,
        meta,
        options?.signal,
      )) as readonly HookOutcome[];
      return foldAnswers(hook, mode, input, outcomes, (plugin, error) => {
        if (strict) throw error;
        logger.warn(error.message, { hook: id, plugin });
      });
    });
  return {
    handle(hook: HookRef, handler: LooseHandler) {
      if (typeof hook === 'string')
        return register('hook', idIn(hook, parts.manifest.id, 'hook'), looseHandle(parts, handler));
      textIn(hook?.id, 'the id of a hook');
      return register('hook', hook.id, schemaHandle(parts, hook, handler), limitOf(hook));
    },
    collect: ask('collect'),
    first: ask('first'),
    waterfall: ask('waterfall'),
    parallel: ask('parallel'),
  };
}

/** The time limit that a hook's contract sets for each handler. */
export const limitOf = ({ timeout }: Hook) => (timeout === undefined ? {} : { timeout });
