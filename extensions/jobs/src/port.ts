/** What the extension takes of the kernel, and what it announces. */
import { type ExtensionPort, fact } from '@plinth/kernel/extension';

/** The facts about the extension. */
export const STATICS = {
  name: 'jobs',
  uses: ['calls', 'contribute', 'documents', 'events', 'provide', 'steer', 'transition'],
  features: ['jobs'],
  events: {
    'jobs:failed': fact<{
      readonly plugin: string;
      /** The job, or the queue of the task. */
      readonly job?: string;
      readonly queue?: string;
      readonly id?: string;
      readonly code: string;
      readonly message: string;
    }>(),
    'jobs:dead': fact<{ readonly plugin: string; readonly queue: string; readonly id: string }>(),
  },
} as const;

/** The port, with the powers that the extension takes. */
export type JobsPort = ExtensionPort<typeof STATICS>;

/** An error as it is kept and shown. What plugins throw is cut. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What is kept of an error. */
export function failureOf(error: unknown): Failure {
  const { code, message } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  return {
    code: typeof code === 'string' ? code.slice(0, 64) : 'call/failed',
    message: typeof message === 'string' ? message.slice(0, 1_000) : String(error).slice(0, 1_000),
  };
}
