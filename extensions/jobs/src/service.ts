/** Answers what plugins ask for. Each reaches its own jobs and queues alone. */
import type { CallFacts as Facts } from '@plinth/kernel/extension';
import { createError } from '@plinth/sdk/contract';
import type { Jobs } from './contract.js';
import type { Parts } from './job-book.js';
import type { Queues } from './queues.js';
import { fields, readId, readJob, readName, readPush, readQueue, refusing } from './read.js';
import type { Scheduler } from './scheduler.js';
import type { Tasks } from './tasks.js';

/** What answers. */
export interface ServiceParts extends Parts {
  readonly scheduler: Scheduler;
  readonly queues: Queues;
  readonly tasks: Tasks;
}

type CallFacts = Pick<Facts, 'caller'>;
type Member = Exclude<keyof typeof Jobs, `$${string}`>;
type Answer = (input: unknown, call: CallFacts) => unknown;

/** Changes of schedules that a plugin may make in a period: each parses a pattern. */
const CHANGES = 128;
const PERIOD = 10_000;
/** What one that is refused costs more: a pattern that never comes is looked for in many years. */
const REFUSED = 7;
/** A mark of `randomMark`. */
const TOKEN = /^[0-9a-f]{32}$/;

/** The handlers of the contract. */
export function serviceOf(parts: ServiceParts): Readonly<Record<Member, Answer>> {
  return { ...scheduleAnswers(parts), ...queueAnswers(parts) };
}

/** The token of the guest that asks. @throws PluginValidationError `call/invalid-input`. */
function tokenOf({ guests }: ServiceParts, { caller: { id, version = '' } }: CallFacts): string {
  const token = guests.tokenOf(id, version);
  if (token !== undefined) return token;
  throw createError('call/invalid-input', `${id} has to introduce itself first: use jobs(ctx)`, {
    plugin: id,
  });
}

function scheduleAnswers(parts: ServiceParts) {
  const { guests, scheduler, queues, tasks, settings } = parts;
  const { limits } = settings;
  const pace = new Pace();
  return {
    attach(input, call) {
      const plugin = pluginOf(call);
      const wrong = refusing(plugin);
      const { token } = fields(input, 'request', wrong);
      if (typeof token !== 'string' || !TOKEN.test(token)) wrong('token', 'is none');
      guests.attach(plugin, call.caller.version ?? '', token as string);
    },
    async schedule(input, call) {
      const plugin = pluginOf(call);
      const spec = readJob(input, limits, refusing(plugin));
      pace.check(plugin);
      await scheduler.add(plugin, spec, tokenOf(parts, call)).catch((error: unknown) => {
        pace.charge(plugin, REFUSED);
        throw error;
      });
    },
    unschedule(input, call) {
      const plugin = pluginOf(call);
      const wrong = refusing(plugin);
      const name = readName(fields(input, 'request', wrong).name, 'name', wrong);
      scheduler.remove(plugin, name, tokenOf(parts, call));
    },
    async work(input, call) {
      const plugin = pluginOf(call);
      const spec = readQueue(input, limits, refusing(plugin));
      pace.check(plugin);
      await tasks.loaded();
      queues.work(plugin, spec, tokenOf(parts, call));
    },
    rest(input, call) {
      const plugin = pluginOf(call);
      const wrong = refusing(plugin);
      const queue = readName(fields(input, 'request', wrong).queue, 'queue', wrong);
      queues.stopWork(plugin, queue, tokenOf(parts, call));
    },
  } satisfies Partial<Record<Member, Answer>>;
}

function queueAnswers(parts: ServiceParts) {
  const { queues, tasks, settings, pulse } = parts;
  const asked = (input: unknown, call: CallFacts) => {
    const plugin = pluginOf(call);
    const wrong = refusing(plugin);
    const queue = readName(fields(input, 'request', wrong).queue, 'queue', wrong);
    return { plugin, wrong, queue };
  };
  return {
    async push(input, call) {
      const plugin = pluginOf(call);
      const spec = readPush(input, settings.limits, refusing(plugin));
      const pushed = await tasks.push(plugin, spec);
      pulse.wake();
      return pushed;
    },
    async counts(input, call) {
      const { plugin, queue } = asked(input, call);
      return tasks.counts(await queues.find(plugin, queue), Date.now());
    },
    async dead(input, call) {
      const { plugin, queue } = asked(input, call);
      return tasks.dead(await queues.find(plugin, queue));
    },
    async retry(input, call) {
      const { plugin, queue, wrong } = asked(input, call);
      const id = readId((input as { readonly id?: unknown }).id, wrong);
      const again = await tasks.retry(await queues.find(plugin, queue), id);
      pulse.wake();
      return again;
    },
    async drop(input, call) {
      const { plugin, queue, wrong } = asked(input, call);
      const id = readId((input as { readonly id?: unknown }).id, wrong);
      return tasks.drop(await queues.find(plugin, queue), id);
    },
  } satisfies Partial<Record<Member, Answer>>;
}

/** The plugin that asks. @throws PluginPermissionError `permission/denied` for other callers. */
function pluginOf({ caller }: CallFacts): string {
  if (caller.kind === 'plugin') return caller.id;
  throw createError(
    'permission/denied',
    'only a plugin asks for jobs of its own: an application uses kernel.extension(jobs)',
  );
}

/** Bounds how often plugins change their schedules. */
class Pace {
  readonly #plugins = new Map<string, { until: number; count: number }>();

  /** @throws PluginOverloadedError `call/rate-limited`. */
  check(plugin: string): void {
    const now = performance.now();
    let own = this.#plugins.get(plugin);
    if (own === undefined || own.until < now) {
      own = { until: now + PERIOD, count: 0 };
      this.#plugins.set(plugin, own);
    }
    own.count += 1;
    if (own.count > CHANGES)
      throw createError(
        'call/rate-limited',
        `${plugin} changes its jobs more than ${CHANGES} times in ${PERIOD / 1_000} s`,
        { plugin },
      );
  }

  /** Counts changes more. */
  charge(plugin: string, changes: number): void {
    const own = this.#plugins.get(plugin);
    if (own !== undefined) own.count += changes;
  }
}
