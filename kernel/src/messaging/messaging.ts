/** Messages: to a plugin by its id, or to whoever handles them best. */
import { type Caller, createError, disposable, MESSAGE_HANDLER, messageMember } from '@plinth/sdk/contract';
import type { CallRequest } from '../commands/call.js';
import { HOST } from '../commands/call.js';
import type { HostCallOptions } from '../commands/call-options.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { HostRegistration } from '../commands/host-commands.js';
import { hostProvider } from '../commands/provider.js';
import type { HookRegistry } from '../middleware/hooks.js';
import type { Log } from '../telemetry/logger.js';

/** Milliseconds in which handlers say how sure they are. */
const CAN_HANDLE = 1_000;

/** `kernel.messaging`. */
export interface HostMessaging {
  /**
   * Sends a message to a plugin; the answer is what its handler makes of it.
   *
   * @throws PluginUnavailableError `message/no-handler` when the plugin takes no messages, or what its handler threw.
   */
  send(plugin: string, message: unknown, options?: HostCallOptions): Promise<unknown>;
  /**
   * Asks every `MessageHandler` how sure it is, and gives the message to the surest; of equals to the one that was activated
   * first. One that is slower than a second, or fails, is passed over.
   *
   * @throws PluginUnavailableError `message/no-handler` when nobody is sure at all, or what the handler threw.
   */
  route(message: unknown, options?: HostCallOptions): Promise<unknown>;
  /** Takes messages that are sent to `host`. */
  on(handler: (message: unknown, info: { readonly caller: Caller }) => unknown): HostRegistration;
}

/** What messaging needs of the kernel. */
export interface MessagingParts {
  readonly commands: CommandRegistry;
  readonly hooks: HookRegistry;
  readonly log: Log;
  /** A plugin's place in the order of activation; Infinity when it isn't active. */
  activationOf(plugin: string): number;
}

/** Sends and routes on behalf of a caller whose permission has been checked. */
export class Messaging {
  readonly #parts: MessagingParts;

  constructor(parts: MessagingParts) {
    this.#parts = parts;
  }

  async send(plugin: string, message: unknown, caller: Caller, request: CallRequest | undefined): Promise<unknown> {
    const { commands } = this.#parts;
    const own = messageMember(plugin);
    const offered = `${MESSAGE_HANDLER}:handle@${plugin}`;
    const wakes = await commands.wake(own);
    if (commands.has(own)) return commands.execute(own, message, caller, request);
    if (!wakes) await commands.wake(offered);
    if (commands.answers(offered)) return commands.execute(offered, message, caller, request);
    throw createError('message/no-handler', `${plugin} takes no messages, or is not there`, { plugin, details: { to: plugin } });
  }

  async route(message: unknown, caller: Caller, request: CallRequest | undefined): Promise<unknown> {
    const { hooks, commands, log, activationOf } = this.#parts;
    const timeout = Math.min(request?.timeout ?? CAN_HANDLE, CAN_HANDLE);
    const { user, signal, traceparent, baggage, parent } = request ?? {};
    const asking: CallRequest = { user, traceparent, baggage, parent, timeout, ...(signal && { signal }), ...(request?.inbound && { inbound: request.inbound }) };
    const answers = await hooks.run(`${MESSAGE_HANDLER}:canHandle`, 'collect', message, caller, asking);
    const sure = answers.flatMap((answer) => {
      const { plugin: owner, value } = answer as { readonly plugin: string; readonly value: unknown };
      if (typeof value === 'number' && value >= 0 && value <= 1) return value > 0 ? [{ owner, value }] : [];
      log.write('kernel', 'warn', `${owner} is passed over: its confidence is ${String(value)}, not a number from 0 to 1`, { plugin: owner });
      return [];
    });
    const [best] = sure.sort((a, b) => b.value - a.value || activationOf(a.owner) - activationOf(b.owner));
    if (best === undefined) throw createError('message/no-handler', 'nobody handles this message', { details: { asked: answers.map(({ plugin }) => plugin) } });
    return commands.execute(best.owner === 'host' ? `${MESSAGE_HANDLER}:handle` : `${MESSAGE_HANDLER}:handle@${best.owner}`, message, caller, request);
  }
}

/**
 * Makes `kernel.messaging`.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostMessaging(messaging: Messaging, commands: CommandRegistry, check: () => void): HostMessaging {
  return {
    async send(plugin, message, options) {
      check();
      return messaging.send(plugin, message, HOST, options);
    },
    async route(message, options) {
      check();
      return messaging.route(message, HOST, options);
    },
    on(handler) {
      const registered = commands.register(messageMember('host'), { owner: 'host', provider: hostProvider((message, call) => handler(message, { caller: call.caller })) });
      return disposable(() => registered.dispose());
    },
  };
}
