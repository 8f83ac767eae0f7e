/** The options of `jobs()`, and their checks. */
import { checkOptionNames, createError } from '@plinth/sdk/contract';

/** Bounds of jobs and queues. Each is for one tenant. */
export interface JobsLimits {
  /** Jobs of a plugin. Default: 32. */
  readonly jobs?: number;
  /** The shortest period of a job, in milliseconds. Default: 1 000. */
  readonly period?: number;
  /** Runs for missed times after each other, with `missed: 'all'`. Default: 24. */
  readonly missed?: number;
  /** Queues of a plugin. Default: 16. */
  readonly queues?: number;
  /** Tasks of a plugin, the dead ones included. Default: 1 000. */
  readonly tasks?: number;
  /** Tasks of all plugins. Default: 10 000. */
  readonly allTasks?: number;
  /** Bytes of one task. Default: 64 KiB. */
  readonly task?: number;
  /** Bytes of all tasks of a plugin. Default: 16 MiB. */
  readonly bytes?: number;
  /** Dead tasks of a queue. The oldest are deleted for newer ones. Default: 100. */
  readonly dead?: number;
  /** Attempts at a task after the first one. Default: 25. */
  readonly retries?: number;
  /** The longest delay or wait of a task, in milliseconds. Default: 30 days. */
  readonly delay?: number;
  /** Tasks of a queue that are handled at the same time. Default: 16. */
  readonly concurrency?: number;
  /** Runs of a plugin at the same time. Default: 64. */
  readonly runs?: number;
  /** The longest time that a run may ask for, in milliseconds. Default: 15 minutes. */
  readonly timeout?: number;
}

/** Options of `jobs()`. */
export interface JobsOptions {
  readonly limits?: JobsLimits;
  /**
   * How long a run belongs to the kernel that has begun it, in milliseconds. It is extended while
   * the run goes on. After a crash another kernel, or the same one when it is started again, waits
   * that long before it repeats the run. At least 1 000. Default: 30 000.
   */
  readonly lease?: number;
  /**
   * How often it looks for what other kernels over the same storage have pushed, paused and resumed,
   * in milliseconds. A look lists the keys of all tasks. At least 1 000. Default: 60 000.
   */
  readonly poll?: number;
  /**
   * `only`: jobs and queues of manifests start no plugin in the default tenant. It goes with the
   * option of `createKernel` of that name.
   */
  readonly tenants?: 'only';
}

/** Options with all defaults. */
export interface Settings extends Pick<JobsOptions, 'tenants'> {
  readonly limits: Required<JobsLimits>;
  readonly lease: number;
  readonly poll: number;
}

const LIMITS: Required<JobsLimits> = {
  jobs: 32,
  period: 1_000,
  missed: 24,
  queues: 16,
  tasks: 1_000,
  allTasks: 10_000,
  task: 65_536,
  bytes: 16_777_216,
  dead: 100,
  retries: 25,
  delay: 2_592_000_000,
  concurrency: 16,
  runs: 64,
  timeout: 900_000,
};
const LEASE = 30_000;
const POLL = 60_000;
const SHORTEST = 1_000;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function settingsOf(options: JobsOptions): Settings {
  checkOptionNames('jobs()', options, ['limits', 'lease', 'poll', 'tenants'], 'options');
  const { limits = {}, lease = LEASE, poll = POLL, tenants } = options;
  if (tenants !== undefined && tenants !== 'only') throw wrong('tenants', "is 'only', or absent");
  for (const [name, time] of Object.entries({ lease, poll }))
    if (!Number.isSafeInteger(time) || time < SHORTEST)
      throw wrong(name, `is a whole number of milliseconds of at least ${SHORTEST}`);
  checkOptionNames("jobs(): 'limits'", limits, Object.keys(LIMITS), 'limits');
  const set: Record<string, number> = { ...LIMITS };
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw wrong(`limits.${name}`, 'is a whole number of at least 1');
    set[name] = value;
  }
  return { lease, poll, tenants, limits: set as unknown as Settings['limits'] };
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `jobs(): '${option}' ${what}`, {
    details: { option },
  });
}
