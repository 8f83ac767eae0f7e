/** What the host asks of the database process, and what that answers. */
import type { Failure, Results, Work } from '../backend/work.js';

/** A database, and how large it may be. */
export interface Place {
  /** The file. */
  readonly path: string;
  /** Pages of 4,096 bytes. */
  readonly pages: number;
}

/** What the database process does. */
export type FileWork =
  | Work
  | { readonly op: 'copy'; readonly to: string }
  | { readonly op: 'restore'; readonly from: string; readonly check: boolean };

/** The result of each kind of its work. */
export interface FileResults extends Results {
  readonly copy: null;
  readonly restore: null;
}

/** A message to the process. */
export interface Request extends Place {
  readonly id: number;
  /** Milliseconds that the work may take. */
  readonly time: number;
  readonly work: FileWork;
}

/** A message of the process. */
export type Reply = {
  readonly id: number;
  /** Says that the process ends now, to give back its memory. */
  readonly last?: true;
} & ({ readonly value: unknown } | { readonly failure: Failure });

/** How a process ended before it answered. */
export type Lost = 'timeout' | 'memory' | 'crashed' | 'aborted';

/** What comes of a question. */
export type Outcome = Reply | { readonly lost: Lost };

/** The host's end of a process, or of what takes its place. It answers one question at a time. */
export interface DatabaseHost {
  readonly over: boolean;
  /** Why it has not started, where that is known. */
  readonly failure?: string | undefined;
  readonly exited: Promise<void>;
  /** Whether it has started. */
  ready(): Promise<boolean>;
  /** Asks, and ends the process when the answer takes longer, or when the signal says so. */
  ask(request: Request, signal?: AbortSignal): Promise<Outcome>;
  kill(): void;
  /** Lets it close its databases, for a bounded time. */
  end(): Promise<void>;
}

/** Bytes of a page. */
export const PAGE = 4_096;
