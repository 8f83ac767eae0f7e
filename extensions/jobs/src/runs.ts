/** The plugin's side of a run: its handlers, and the command that the host calls. */
import type { Call, PluginContext } from '@plinth/sdk';
import { createError, randomMark } from '@plinth/sdk/contract';
import {
  type JobRequest,
  Jobs,
  RUN,
  type RunRequest,
  STRANGER,
  type TaskRequest,
} from './contract.js';

/** The parts of a plugin's context that jobs need. */
export type JobsContext = Pick<PluginContext, 'commands' | 'logger' | 'own'>;

type Answer<R> = (request: R, call: Call) => unknown;

/** Owns the handlers of one plugin, and its introduction to the host. */
export class Runs {
  readonly jobs = new Map<string, Answer<JobRequest>>();
  readonly queues = new Map<string, Answer<TaskRequest>>();
  readonly #ctx: JobsContext;
  /** Known to this guest and the host alone, so that only the host can start a run. */
  readonly #token = randomMark();
  #attached: Promise<unknown> | undefined;

  constructor(ctx: JobsContext) {
    this.#ctx = ctx;
  }

  /** Asks the host, on the plugin's own behalf: its callers need no right to its jobs. */
  ask(member: Exclude<keyof typeof Jobs, `$${string}`>, input: unknown): Promise<unknown> {
    return this.#ctx.own((own) => this.#ctx.commands.execute(Jobs[member].id, input, own));
  }

  /** Introduces this guest to the host. It is done once. */
  attach(): Promise<unknown> {
    if (this.#attached === undefined) {
      this.#ctx.commands.handle(RUN, (input, call) => this.#run(input as RunRequest, call));
      this.#attached = this.ask('attach', { token: this.#token });
      this.#attached.catch((error: unknown) =>
        this.#ctx.logger.warn(`jobs can't run: ${(error as Error).message}`),
      );
    }
    return this.#attached;
  }

  async #run(request: RunRequest, call: Call): Promise<unknown> {
    if (!Array.isArray(request?.tokens) || !request.tokens.includes(this.#token)) {
      // After an update that was undone the host knows the guest that should have come.
      if (call.caller.kind === 'host') await this.ask('attach', { token: this.#token });
      return STRANGER;
    }
    const [what, handler] =
      'job' in request
        ? [`job '${request.job}'`, this.jobs.get(request.job)]
        : [`queue '${request.queue}'`, this.queues.get(request.queue)];
    if (handler === undefined)
      throw createError('call/failed', `the plugin has no handler for its ${what}`);
    await (handler as Answer<JobRequest | TaskRequest>)(request, call);
    return undefined;
  }
}
