/** `ctx.hooks`. */
import type { Call } from '../contract/call-context.js';
import type { Hook } from '../contract/contract.js';
import type { HandlerFor, HookAnswer, HookArguments } from '../contract/contract-types.js';
import type { HookOptions, HookOutcome } from '../contract/hook-answers.js';
import type { LooseHandler, Registered } from './registered.js';

type HookRef = Hook & { readonly id: string };

/** Hooks: the kernel asks every handler. */
export interface PluginHooks {
  handle<H extends Hook & { readonly id: string }>(
    hook: H,
    handler: HandlerFor<H, Call>,
  ): Registered;
  handle(id: string, handler: LooseHandler): Registered;
  /**
   * Every answer: the host first, then plugins in order of discovery. Handlers that fail are left
   * out and logged.
   */
  collect<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H>[]>;
  /** The first answer that isn't undefined. */
  first<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H> | undefined>;
  /** Passes the value through all handlers; each receives the previous one's result. */
  waterfall<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H>>;
  /** The outcome of each handler: its answer or its error. */
  parallel<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<readonly HookOutcome<HookAnswer<H>>[]>;
}
