/** Jobs and queues of manifests: `contributes.jobs` and `contributes.queues`. */
import type { Contributions } from '@plinth/kernel/extension';
import type { Schema } from '@plinth/sdk/contract';
import type { Settings } from './options.js';
import { failureOf, type JobsPort } from './port.js';
import type { Queues } from './queues.js';
import { type JobSpec, type QueueSpec, readJob, readQueue, type Wrong } from './read.js';
import type { Scheduler } from './scheduler.js';

/** A job of a manifest that can't be scheduled. */
export interface Problem {
  readonly plugin: string;
  readonly spec: JobSpec;
  readonly message: string;
  /** Whether the manifest itself is at fault, so that it is the same each time. */
  readonly lasting: boolean;
}

/** Owns what manifests declare. */
export class Declared {
  readonly #port: JobsPort;
  readonly #scheduler: Scheduler;
  readonly #queues: Queues;
  readonly #jobs: Contributions<readonly JobSpec[]>;
  readonly #queuePoint: Contributions<readonly QueueSpec[]>;
  /** By plugin and job. */
  readonly problems = new Map<string, Problem>();
  #turn: Promise<void> = Promise.resolve();
  #on = false;

  constructor(port: JobsPort, { limits }: Settings, scheduler: Scheduler, queues: Queues) {
    this.#port = port;
    this.#scheduler = scheduler;
    this.#queues = queues;
    this.#jobs = port.contribute.point({
      point: 'jobs',
      schema: listOf('jobs', limits.jobs, (value, wrong) => readJob(value, limits, wrong)),
      check: (jobs) => twice(jobs.map(({ name }) => name)),
    });
    this.#queuePoint = port.contribute.point({
      point: 'queues',
      schema: listOf('queues', limits.queues, (value, wrong) =>
        readQueue(value, limits, wrong, 'name'),
      ),
      check: (queues) => twice(queues.map(({ queue }) => queue)),
    });
    this.#jobs.onChange(() => this.sync());
  }

  /** From now on what is declared is scheduled. */
  start(): Promise<void> {
    this.#on = true;
    return this.sync();
  }

  stop(): void {
    this.#on = false;
  }

  /** Schedules what manifests declare now, and ends what they declare no longer. */
  sync(): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#sync())
      .catch((error: unknown) => {
        this.#port.log.error('jobs of manifests could not be scheduled', {
          error: failureOf(error).message,
        });
      });
    return this.#turn;
  }

  async #sync(): Promise<void> {
    if (!this.#on) return;
    this.#queues.declare(this.#current(this.#queuePoint));
    const declared = this.#current(this.#jobs);
    for (const { plugin, spec, token } of this.#scheduler.all())
      if (token === undefined && !declared.get(plugin)?.some(({ name }) => name === spec.name))
        this.#scheduler.remove(plugin, spec.name, undefined);
    const before = new Map(this.problems);
    this.problems.clear();
    for (const [plugin, specs] of declared)
      for (const spec of specs) {
        const key = `${plugin}\0${spec.name}`;
        const known = before.get(key);
        // It takes a while to find that a day never comes.
        if (known?.lasting && JSON.stringify(known.spec) === JSON.stringify(spec))
          this.problems.set(key, known);
        else await this.#add(plugin, spec);
      }
    this.#scheduler.changed();
  }

  async #add(plugin: string, spec: JobSpec): Promise<void> {
    const before = this.#scheduler.get(plugin, spec.name);
    if (before?.token === undefined && JSON.stringify(before?.spec) === JSON.stringify(spec))
      return;
    try {
      await this.#scheduler.add(plugin, spec, undefined);
    } catch (error) {
      const { code, message } = failureOf(error);
      const lasting = code === 'call/invalid-input';
      this.problems.set(`${plugin}\0${spec.name}`, { plugin, spec, message, lasting });
      this.#port.log.error(`the job '${spec.name}' of ${plugin} can't be scheduled`, {
        plugin,
        error: message,
      });
    }
  }

  /** What the version of each plugin declares that runs, or would run. */
  #current<T>(point: Contributions<T>): ReadonlyMap<string, T> {
    return new Map(
      point
        .all()
        .filter(({ plugin: { id, key } }) => this.#port.plugins.get(id)?.key === key)
        .map(({ plugin, value }) => [plugin.id, value]),
    );
  }
}

/** The problem with names that are there twice, if there is one. */
function twice(names: readonly string[]): string | undefined {
  const name = names.find((one, at) => names.indexOf(one) !== at);
  return name && `'${name}' is there twice`;
}

/** A schema of a list, for what a reader reads. */
function listOf<T>(
  point: string,
  most: number,
  read: (value: unknown, wrong: Wrong) => T,
): Schema<unknown, readonly T[]> {
  return {
    '~standard': {
      version: 1,
      vendor: 'plinth',
      validate: (value) => {
        if (!Array.isArray(value) || value.length > most)
          return { issues: [{ message: `${point} are a list of at most ${most}` }] };
        const issues: { readonly message: string; readonly path: readonly PropertyKey[] }[] = [];
        const all: T[] = [];
        for (const [at, one] of value.entries()) {
          try {
            all.push(
              read(one, (part, what) => {
                throw new Refusal(`'${part}' ${what}`);
              }),
            );
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            issues.push({ message: error.message, path: [at] });
          }
        }
        return issues.length > 0 ? { issues } : { value: all };
      },
    },
  };
}

class Refusal extends Error {}
