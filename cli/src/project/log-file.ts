/** The log of a project's kernels: lines of JSON in a file of bounded size. */
import { appendFile, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LogEntry } from '@plinth/host-node';
import type { Project } from './project-config.js';

/** Bytes after which a file becomes the old one. */
const MAX_FILE = 4 * 1_048_576;
/** Most entries that wait to be written. */
const MAX_WAITING = 10_000;

/** Where the log of a project is. */
export const logFileOf = ({ own }: Project): string => join(own, 'logs/plinth.log');

/** Appends entries to a file. Entries that come while it writes are written together. */
export class LogFile {
  readonly #file: string;
  readonly #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  write(entry: LogEntry): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(`${JSON.stringify(entry, plain)}\n`);
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Waits for everything that was written. A disk that refuses loses lines, and stops nothing. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0).join('');
      await this.#append(lines).catch(() => {});
    }
  }

  async #append(lines: string): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    const size = (await stat(this.#file).catch(() => undefined))?.size ?? 0;
    if (size > MAX_FILE) await rename(this.#file, `${this.#file}.1`);
    await appendFile(this.#file, lines, { mode: 0o600 });
  }
}

/** Values that JSON doesn't have, as texts. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return value;
}

/** The lines of a file from an offset on, and where they end. */
export async function readLines(
  file: string,
  from: number,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return { lines: [], end: 0 };
  try {
    const { size } = await handle.stat();
    // A shorter file is a new one.
    const start = size < from ? 0 : from;
    const bytes = Buffer.alloc(size - start);
    await handle.read(bytes, 0, bytes.length, start);
    const whole = bytes.lastIndexOf(0x0a) + 1;
    const lines = bytes.toString('utf8', 0, whole).split('\n').slice(0, -1);
    return { lines, end: start + whole };
  } finally {
    await handle.close();
  }
}
