/** Messages: to a plugin by its id, or to the plugin that handles them best. */
import {
  type Caller,
  covers,
  createError,
  type Manifest,
  MESSAGE_HANDLER,
  messageMember,
} from '@plinth/sdk/contract';
import type { CallRequest } from '../../calls/kernel-call.js';
import type { CommandRegistry } from '../../commands/command-registry.js';
import type { HookRegistry } from '../../middleware/hooks.js';
import type { Log } from '../../telemetry/logger.js';

/** Milliseconds in which handlers have to state their confidence. */
const CAN_HANDLE = 1_000;

/** What messaging needs of the kernel. */
export interface MessagingParts {
  readonly commands: CommandRegistry;
  readonly hooks: HookRegistry;
  readonly log: Log;
  /** The manifest of an installed plugin. */
  manifest(plugin: string): Manifest | undefined;
  /** A plugin's place in the order of activation; Infinity when it isn't active. */
  activationOf(plugin: string): number;
  /** Why a plugin isn't available; undefined when it runs. */
  whyAbsent(plugin: string): string | undefined;
}

/** Sends and routes on behalf of a caller whose permission has already been checked. */
export class Messaging {
  readonly #parts: MessagingParts;

  constructor(parts: MessagingParts) {
    this.#parts = parts;
  }

  async send(
    plugin: string,
    message: unknown,
    caller: Caller,
    request: CallRequest | undefined,
  ): Promise<unknown> {
    const { commands } = this.#parts;
    const own = messageMember(plugin);
    const offered = `${MESSAGE_HANDLER}:handle@${plugin}`;
    const wakes = await commands.wake(own);
    if (commands.has(own)) return commands.execute(own, message, caller, request);
    const takes = this.#takes(plugin, message);
    if (!wakes && takes) await commands.wake(offered);
    if (takes && commands.answers(offered))
      return commands.execute(offered, message, caller, request);
    const absent = takes
      ? this.#parts.whyAbsent(plugin)
      : 'its manifest lists other types of messages (contributes.messages)';
    throw createError(
      'message/no-handler',
      `${plugin} takes no messages: ${absent ?? 'it runs, and has not registered a handler (ctx.messaging.on)'}`,
      {
        plugin,
        details: { to: plugin },
      },
    );
  }

  /**
   * Whether a plugin's manifest lists the type of a message. A manifest that lists no types takes
   * all.
   */
  #takes(plugin: string, message: unknown): boolean {
    const types = this.#parts.manifest(plugin)?.contributes.messages;
    if (types === undefined) return true;
    const { type } = (message ?? {}) as { readonly type?: unknown };
    return typeof type === 'string' && types.some((one) => covers(one.type, type));
  }

  async route(
    message: unknown,
    caller: Caller,
    request: CallRequest | undefined,
  ): Promise<unknown> {
    const { hooks, commands, log, activationOf } = this.#parts;
    const timeout = Math.min(request?.timeout ?? CAN_HANDLE, CAN_HANDLE);
    const { user, signal, traceparent, baggage, parent } = request ?? {};
    const asking: CallRequest = {
      user,
      traceparent,
      baggage,
      parent,
      timeout,
      ...(signal && { signal }),
      ...(request?.inbound && { inbound: request.inbound }),
    };
    const answers = await hooks.run(
      `${MESSAGE_HANDLER}:canHandle`,
      'collect',
      message,
      caller,
      asking,
      false,
      (owner) => this.#takes(owner, message),
    );
    const sure = answers.flatMap((answer) => {
      const { plugin: owner, value } = answer as {
        readonly plugin: string;
        readonly value: unknown;
      };
      if (typeof value === 'number' && value >= 0 && value <= 1)
        return value > 0 ? [{ owner, value }] : [];
      log.write(
        'kernel',
        'warn',
        `${owner} is passed over: its confidence is ${String(value)}, not a number from 0 to 1`,
        { plugin: owner },
      );
      return [];
    });
    const [best] = sure.sort(
      (a, b) => b.value - a.value || activationOf(a.owner) - activationOf(b.owner),
    );
    if (best === undefined)
      throw createError('message/no-handler', 'no handler takes this message', {
        details: { asked: answers.map(({ plugin }) => plugin) },
      });
    return commands.execute(
      best.owner === 'host'
        ? `${MESSAGE_HANDLER}:handle`
        : `${MESSAGE_HANDLER}:handle@${best.owner}`,
      message,
      caller,
      request,
    );
  }
}
