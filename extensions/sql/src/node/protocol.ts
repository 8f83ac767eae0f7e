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
  readonly work: FileWork;
}

/** A message of the process. */
export type Reply = {
  readonly id: number;
  /** Says that the process ends now, to give back its memory. */
  readonly last?: true;
} & ({ readonly value: unknown } | { readonly failure: Failure });

/** Bytes of a page. */
export const PAGE = 4_096;
