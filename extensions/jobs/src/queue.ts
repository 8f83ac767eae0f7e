/** The plugin's side of a queue. */
import type { Call } from '@plinth/sdk';
import {
  createError,
  describeIssues,
  type InferInput,
  type InferOutput,
  parseSchema,
  type Schema,
} from '@plinth/sdk/contract';
import type { DeadTask, Pushed, PushOptions, QueueCounts, QueueSettings } from './contract.js';
import type { Runs } from './runs.js';

/** One attempt at a task, as its handler sees it. */
export interface TaskRun {
  readonly queue: string;
  /** The same in each attempt, so that a handler can recognize a task that it has seen. */
  readonly id: string;
  /** From 1 on. */
  readonly attempt: number;
  /** Whether the task is dead when this attempt fails. */
  readonly last: boolean;
  /** Milliseconds since the epoch. */
  readonly pushed: number;
  /** Aborts when the time is over or the plugin stops. */
  readonly signal: AbortSignal;
  /** The call that the run is. Calls that are given it end with it. */
  readonly call: Call;
}

/** A durable queue of a plugin. `In` is what is pushed, `Out` what its schema makes of it. */
export interface Queue<In, Out> {
  /**
   * Adds a task. When it resolves, the task is in the kernel's storage and survives a restart.
   *
   * @throws PluginValidationError `call/invalid-input`; PluginOverloadedError `storage/quota` when
   * the queue, the plugin or the tenant has no room.
   * @example
   * await mail.push({ to: 'ada@example.com' }, { delay: '5m', key: 'welcome-ada' });
   */
  push(task: In, options?: PushOptions): Promise<Pushed>;
  /**
   * Handles tasks for as long as the plugin runs. A task may be handled more than once: after a
   * crash, and when its time was over. It has succeeded when the handler has ended without an error.
   *
   * @throws PluginValidationError `call/invalid-input`; PluginOverloadedError `plugin/over-limit`
   * for more queues than a plugin may have.
   */
  work(
    handler: (task: Out, run: TaskRun) => unknown,
    settings?: QueueSettings,
  ): Promise<{ dispose(): void }>;
  counts(): Promise<QueueCounts>;
  /** Tasks that have failed for good, the oldest first. */
  dead(): Promise<readonly DeadTask[]>;
  /** Lets a dead task be tried again, with all its retries. False: there is no such task. */
  retry(id: string): Promise<boolean>;
  /** Deletes a task that isn't running. False: there is no such task. */
  drop(id: string): Promise<boolean>;
}

/** @throws PluginValidationError `call/invalid-input` for what has no named parts. */
function checkObject(queue: string, what: string, value: unknown): void {
  if (Object.prototype.toString.call(value) === '[object Object]') return;
  throw createError('call/invalid-input', `the ${what} in the queue '${queue}' are an object`);
}

/** Makes the plugin's side of a queue. */
export function queueOf<S extends Schema>(
  runs: Runs,
  queue: string,
  schema: S | undefined,
): Queue<InferInput<S>, InferOutput<S>> {
  const parse = parserOf(queue, schema);
  return {
    push: async (task, options = {}) => {
      checkObject(queue, 'options of a task', options);
      // It is kept as it was pushed, and read again by the version that handles it.
      await parse(task);
      return (await runs.ask('push', { ...options, queue, task })) as Pushed;
    },
    work: async (handler, settings = {}) => {
      checkObject(queue, 'settings', settings);
      if (typeof handler !== 'function')
        throw createError(
          'call/invalid-input',
          `the handler of the queue '${queue}' is no function`,
        );
      if (runs.queues.has(queue))
        throw createError('call/invalid-input', `the queue '${queue}' has a handler already`);
      runs.queues.set(queue, async ({ task, id, attempt, last, pushed }, call) => {
        const { signal } = call;
        return handler((await parse(task)) as InferOutput<S>, {
          queue,
          id,
          attempt,
          last,
          pushed,
          signal,
          call,
        });
      });
      try {
        await runs.attach();
        await runs.ask('work', { ...settings, queue });
      } catch (error) {
        runs.queues.delete(queue);
        throw error;
      }
      let over = false;
      return {
        dispose() {
          if (over) return;
          over = true;
          runs.queues.delete(queue);
          // A plugin that stops can't ask any more, and then needn't.
          runs.ask('rest', { queue }).catch(() => {});
        },
      };
    },
    counts: async () => (await runs.ask('counts', { queue })) as QueueCounts,
    dead: async () => (await runs.ask('dead', { queue })) as readonly DeadTask[],
    retry: async (id) => (await runs.ask('retry', { queue, id })) as boolean,
    drop: async (id) => (await runs.ask('drop', { queue, id })) as boolean,
  };
}

/** Parses tasks. @throws PluginValidationError `call/invalid-input`. */
function parserOf(queue: string, schema: Schema | undefined) {
  return async (task: unknown): Promise<unknown> => {
    if (schema === undefined) return task;
    const parsed = await parseSchema(schema, task);
    if (parsed.ok) return parsed.value;
    throw createError(
      'call/invalid-input',
      `the task for the queue '${queue}' is not valid: ${describeIssues(parsed.issues)}`,
      { details: { issues: parsed.issues } },
    );
  };
}
