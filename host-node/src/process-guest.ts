/** A guest in its own process: its pipe, its memory, its end. The guest side is `plugin-process.ts`. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { ExitReason, Guest, LaunchRequest, ResourceUsage } from '@plinth/kernel';
import { MessageReader, MessageWriter } from '@plinth/sdk/codec';
import { alarm, createError, messageOf, READY } from '@plinth/sdk/contract';
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';
import { capture } from './capture.js';

/** Milliseconds between checks of a process's memory. */
const CHECK_INTERVAL = 200;
/** Most bytes queued for a guest that doesn't read. */
const MAX_UNREAD = 256 * 1_024 * 1_024;
/** The file descriptor of the pipe, on both sides. */
export const PIPE = 3;

/** Exit code of a process that finds its wall missing. */
export const NO_WALL = 73;

/** Live guests: they end with this process. */
const alive = new Set<ChildProcess>();
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL');
};

/** One process. It owns the process and its pipe. */
export class ProcessGuest implements Guest {
  readonly endpoint: Endpoint;
  readonly exited: Promise<ExitReason>;
  readonly #child: ChildProcess;
  readonly #pipe: Socket;
  #id: string;
  #log: LaunchRequest['log'] | undefined;
  readonly #limit: number;
  readonly #watch: NodeJS.Timeout;
  readonly #listeners = new Set<(event: MessageEventLike) => void>();
  /** Messages that arrived before there was a listener. */
  #early: unknown[] | undefined = [];
  #cause: ExitReason | undefined;
  #unread = MAX_UNREAD;
  /** Memory in bytes before it belonged to a plugin. */
  #base = 0;

  constructor(child: ChildProcess, id: string, limit: number) {
    this.#child = child;
    this.#pipe = child.stdio[PIPE] as Socket;
    this.#id = id;
    this.#limit = limit;
    if (alive.size === 0) process.once('exit', endAll);
    alive.add(child);
    if (child.stdout !== null) capture(child.stdout, (text) => this.#log?.('info', text));
    if (child.stderr !== null) capture(child.stderr, (text) => this.#log?.('warn', text));
    const writer = new MessageWriter();
    const reader = new MessageReader((data) => this.#take(data));
    this.#pipe.on('data', (chunk: Buffer) => {
      try {
        reader.take(chunk);
      } catch (error) {
        this.#end({
          kind: 'crashed',
          error: createError(
            'wire/refused',
            `${this.#id} sent what is no message: ${messageOf(error)}`,
            { plugin: this.#id, cause: error },
          ),
        });
      }
    });
    // The end of the process is reported instead.
    this.#pipe.on('error', () => {});
    this.endpoint = {
      postMessage: (message, transfer) => {
        const bytes = writer.write(message);
        for (const buffer of transfer ?? [])
          structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        this.write(bytes);
      },
      addEventListener: (_type, listener) => {
        this.#listeners.add(listener);
        const early = this.#early ?? [];
        this.#early = undefined;
        for (const data of early) listener({ data });
      },
      removeEventListener: (_type, listener) => void this.#listeners.delete(listener),
      bound: (bounds) => {
        reader.bound(bounds);
        this.#unread = Math.max(MAX_UNREAD, bounds.bytes * 4);
      },
    };
    this.exited = new Promise((resolve) => {
      const ended = (reason: ExitReason) => {
        clearInterval(this.#watch);
        alive.delete(child);
        if (alive.size === 0) process.off('exit', endAll);
        this.#pipe.destroy();
        resolve(this.#cause ?? reason);
      };
      child.on('error', (error) => ended({ kind: 'crashed', error }));
      child.on('exit', (code, signal) => ended(reasonOf(code, signal)));
    });
    this.#watch = setInterval(() => void this.#checkMemory(), CHECK_INTERVAL);
    this.#watch.unref();
  }

  /** Assigns the process to a plugin. */
  adopt({ plugin, log }: LaunchRequest): void {
    this.#id = plugin.id;
    this.#log = log;
    void this.#resident().then((bytes = 0) => {
      this.#base = bytes;
    });
    this.#hold('ref');
  }

  /** An unused process must not keep the application alive. */
  #hold(how: 'ref' | 'unref'): void {
    this.#child[how]();
    for (const stream of this.#child.stdio) (stream as Socket | null)?.[how]?.();
  }

  write(bytes: Uint8Array): void {
    if (this.#pipe.destroyed) return;
    if (this.#pipe.writableLength > this.#unread)
      this.#end({
        kind: 'crashed',
        error: createError('wire/refused', `${this.#id} does not read what it is sent`, {
          plugin: this.#id,
        }),
      });
    else this.#pipe.write(bytes);
  }

  /** Resolves when the guest can receive messages. */
  announced(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = alarm(
        () =>
          done(() =>
            reject(failed(this.#id, `its process did not announce itself within ${timeout} ms`)),
          ),
        timeout,
      );
      const heard = ({ data }: MessageEventLike) => {
        if (Array.isArray(data) && data[0] === READY) done(resolve);
      };
      const done = (then: () => void) => {
        late.clear();
        this.#listeners.delete(heard);
        this.#early = [];
        this.#hold('unref');
        then();
      };
      this.endpoint.addEventListener('message', heard);
      void this.exited.then(({ kind, code, error }) =>
        done(() =>
          reject(
            code === NO_WALL
              ? unwalled(this.#id)
              : failed(this.#id, `its process ended while it started (${kind})`, error),
          ),
        ),
      );
    });
  }

  async usage(): Promise<ResourceUsage> {
    const [resident, cpu] = await Promise.all([this.#resident(), this.#cpu()]);
    return {
      ...(resident !== undefined && { memory: Math.max(0, resident - this.#base) }),
      ...(cpu !== undefined && { cpu }),
    };
  }

  /** Bytes of memory; only on Linux. */
  async #resident(): Promise<number | undefined> {
    const text = await this.#told('statm');
    return text === undefined ? undefined : Number(text.split(' ')[1]) * PAGE;
  }

  /** Milliseconds of CPU time; only on Linux. */
  async #cpu(): Promise<number | undefined> {
    const text = await this.#told('stat');
    // The name may contain anything and ends with the last parenthesis. User and system time are
    // fields 14 and 15.
    const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields === undefined
      ? undefined
      : (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK;
  }

  #told(file: string): Promise<string | undefined> {
    return readFile(`/proc/${this.#child.pid}/${file}`, 'utf8').catch(() => undefined);
  }

  async terminate(): Promise<void> {
    this.#end({ kind: 'terminated' });
    await this.exited;
  }

  #end(cause: ExitReason): void {
    this.#cause ??= cause;
    this.#child.kill('SIGKILL');
  }

  #take(data: unknown): void {
    if (this.#early !== undefined) this.#early.push(data);
    else for (const listener of [...this.#listeners]) listener({ data });
  }

  /**
   * Typed arrays and wasm memory are outside the heap, so the whole process has to stay within its
   * limit.
   */
  async #checkMemory(): Promise<void> {
    const memory = (await this.#resident()) ?? 0;
    if (memory > this.#limit) this.#end({ kind: 'out-of-memory' });
  }
}

const PAGE = 4_096;
/** Milliseconds per tick of Linux's clock, as programs see it. */
const CLOCK_TICK = 10;

/** V8 aborts a process whose heap is full. */
function reasonOf(code: number | null, signal: string | null): ExitReason {
  if (signal === 'SIGABRT' || signal === 'SIGTRAP' || signal === 'SIGILL' || code === 134)
    return { kind: 'out-of-memory' };
  if (signal !== null)
    return { kind: 'crashed', error: new Error(`the process was ended by ${signal}`) };
  return { kind: 'exited', ...(code !== null && { code }) };
}

/** The error for a runtime without the wall. */
export function unwalled(id: string): Error {
  return failed(
    id,
    "this runtime has no permission model ('--permission'), and without it a process is no wall: run Node 22.22, 24.15 or later",
  );
}

/** The error for a process that can't be used. */
export function failed(id: string, message: string, cause?: unknown): Error {
  return createError('plugin/launch-failed', `cannot launch ${id}: ${message}`, {
    plugin: id,
    ...(cause !== undefined && { cause }),
  });
}
