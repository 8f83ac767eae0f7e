/** A database that keeps documents of the kernel, as what keeps them there sees it. */
import { setTimeout } from 'node:timers/promises';
import { createError, type PluginError } from '@plinth/sdk/contract';

/** What is passed to a statement in the place of `$1`, `$2` and so on. */
export type Parameter = string | number | Uint8Array;

/** A row of an answer, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** A database. It is opened by the first statement, and again after it was lost. */
export interface Client {
  /** Its name in messages, without a password. */
  readonly name: string;
  /**
   * Runs one statement, as a transaction of its own. What it writes is durable when it resolves.
   * Statements that are given in one turn take effect in their order, where one process works alone.
   *
   * @throws Failure.
   */
  run(sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]>;
  /** Calls the listener when what was kept is found to be gone. */
  onLost(listener: (problem: PluginError) => void): () => void;
  /** Ends what runs. It may be called twice. */
  close(): Promise<void>;
}

/** Facts about a {@link Failure}. */
export interface FailureFacts {
  /** A code of the system, of SQLite or of PostgreSQL. */
  readonly reason?: string | undefined;
  /** It may succeed a moment later. */
  readonly passing?: boolean;
  /** Others hold what it needs. */
  readonly locked?: boolean;
  readonly cause?: unknown;
}

/** Why a statement has failed: a sentence with the cure, where that is known. */
export class Failure extends Error {
  readonly facts: FailureFacts;

  constructor(message: string, facts: FailureFacts = {}) {
    super(message, { cause: facts.cause });
    this.facts = facts;
  }
}

/** Milliseconds for which a failure that may pass is tried again. */
const PATIENCE = 1_500;

/**
 * Runs a statement that can be repeated without harm. Failures that may pass are tried again.
 *
 * @param doing like `store 'a'`.
 * @throws PluginUnavailableError `storage/locked`, PluginError `storage/failed`.
 */
export async function ask(
  client: Client,
  doing: string,
  sql: string,
  ...parameters: readonly Parameter[]
): Promise<readonly Row[]> {
  const until = performance.now() + PATIENCE;
  for (let wait = 10; ; wait = Math.min(wait * 2, 200)) {
    try {
      return await client.run(sql, ...parameters);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { passing, locked, reason } = error.facts;
      if (passing !== true || performance.now() + wait > until)
        throw createError(
          locked ? 'storage/locked' : 'storage/failed',
          `cannot ${doing} in ${client.name}: ${error.message}`,
          { details: { database: client.name, ...(reason && { reason }) }, cause: error },
        );
      await setTimeout(wait);
    }
  }
}
