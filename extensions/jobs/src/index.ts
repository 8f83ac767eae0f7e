/**
 * `@plinth/jobs`: schedules and durable queues of a plugin. The application runs them with `jobs()`
 * of `@plinth/jobs/host`.
 *
 * @module
 */
export {
  type BackOff,
  type DeadTask,
  type DeclaredJob,
  type DeclaredQueue,
  type JobSettings,
  Jobs,
  type Missed,
  type Pushed,
  type PushOptions,
  type QueueCounts,
  type QueueSettings,
  type Schedule,
} from './contract.js';
export {
  type CronOptions,
  type Job,
  type JobHandler,
  type JobOptions,
  type JobRun,
  jobs,
  type PluginJobs,
} from './jobs.js';
export type { Queue, TaskRun } from './queue.js';
export type { JobsContext } from './runs.js';
