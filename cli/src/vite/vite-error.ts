/** Errors of bundling as Vite tells them: in its terminal and in its overlay. */
import { resolve } from 'node:path';
import type { ErrorPayload } from 'vite';

/** An error with what Vite shows: the file, the place in it, and the lines around. */
export class ViteError extends Error {
  readonly plugin = 'plinth';
  /** Absolute path of the file, or of the folder. */
  readonly id: string;
  readonly frame: string | undefined;
  readonly loc:
    | { readonly file: string; readonly line: number; readonly column: number }
    | undefined;

  /** @param folder of the plugin. Paths of the error are relative to it. */
  constructor(error: unknown, folder: string) {
    const { message, stack, cure, frame, details } = factsOf(error);
    // The stack of the bundler says nothing about the plugin. Where it failed is in the message.
    const told = cure !== undefined || frame !== undefined;
    super(cure === undefined ? message : `${message}\n${cure}`, told ? {} : { cause: error });
    this.stack = told ? '' : stack;
    this.frame = frame;
    const { file, line, column } = details;
    this.id = typeof file === 'string' ? resolve(folder, file) : folder;
    if (typeof file === 'string' && typeof line === 'number' && typeof column === 'number')
      this.loc = { file: this.id, line, column };
  }

  /** What the overlay shows. */
  get payload(): ErrorPayload {
    const { message, stack = '', plugin, id, frame, loc } = this;
    return { type: 'error', err: { message, stack, plugin, id, frame, loc } };
  }
}

interface Facts {
  readonly message: string;
  readonly stack?: string;
  readonly cure?: string;
  readonly frame?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function factsOf(error: unknown): Facts {
  if (!(error instanceof Error)) return { message: String(error), details: {} };
  const { message, stack, cure, frame, details } = error as Error & Partial<Facts>;
  return {
    message,
    ...(stack !== undefined && { stack }),
    ...(typeof cure === 'string' && { cure }),
    ...(typeof frame === 'string' && { frame }),
    details: details ?? {},
  };
}
