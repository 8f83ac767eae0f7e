/**
 * The host side of a guest in its own process, under Node's permission model: launch, announce,
 * watch, end. The guest side is `plugin-process.ts`. The process may read no file: everything it
 * runs comes over its pipe, as length-prefixed bytes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ExitReason,
  type Guest,
  type LaunchRequest,
  type ResourceUsage,
  SparePool,
} from '@plinth/kernel';
import { MessageReader, MessageWriter } from '@plinth/sdk/codec';
import { alarm, createError, messageOf, READY } from '@plinth/sdk/contract';
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';
import { capture } from './capture.js';

/** Default heap limit of a guest, in bytes. */
const HEAP = 128_000_000;
/**
 * Bytes that a process needs beside its heap. Memory outside the heap counts against the limit too.
 */
const OVERHEAD = 128_000_000;
/** Milliseconds between checks of a process's memory. */
const CHECK_INTERVAL = 200;
/** Most bytes queued for a guest that doesn't read. */
const MAX_UNREAD = 256 * 1_024 * 1_024;
const PIPE = 3;

/** Exit code of a process that finds its wall missing. */
const NO_WALL = 73;

/**
 * Checks the wall before there is anything to protect. Then reads the first message, the text to
 * run, and runs it.
 */
const FIRST_LINE = `
if (process.permission?.has('fs.read') !== false) process.exit(${NO_WALL});
const socket = new (require('node:net').Socket)({ fd: ${PIPE} });
let held = Buffer.alloc(0);
socket.on('data', function first(chunk) {
  held = Buffer.concat([held, chunk]);
  if (held.length < 4 || held.length < 4 + held.readUInt32LE(0)) return;
  socket.off('data', first);
  socket.pause();
  const end = 4 + held.readUInt32LE(0);
  const { AsyncLocalStorage } = require('node:async_hooks');
  new Function('process', 'socket', 'rest', 'setImmediate', 'AsyncLocalStorage', held.toString('utf8', 4, end))(process, socket, held.subarray(end), setImmediate, AsyncLocalStorage);
});`;

/** Live guests: they end with this process. */
const alive = new Set<ChildProcess>();
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL');
};

/** Kinds of spares. A plugin with its own limit gets a process started for it. */
const KINDS = { process: 0, sandbox: 1 } as const;
/** Milliseconds in which a spare must announce itself. */
const READY_WITHIN = 10_000;

/** Owns the empty folder that one host's guests start in, and the spares. */
export class ProcessLauncher {
  readonly #pool: SparePool<ProcessGuest>;
  #folder: Promise<string> | undefined;

  /** @param spares processes kept ready, once one of their kind was needed. */
  constructor(spares: number) {
    this.#pool = new SparePool(spares, (kind) =>
      this.#start('spare', kind === KINDS.sandbox, undefined, READY_WITHIN),
    );
  }

  /** @throws PluginLifecycleError `plugin/launch-failed`; it names the missing wall. */
  async launch(request: LaunchRequest): Promise<Guest> {
    const { plugin, isolation, limits } = request;
    const spare =
      limits.memory === undefined
        ? this.#pool.take(KINDS[isolation as keyof typeof KINDS])
        : undefined;
    const guest =
      spare ?? (await this.#start(plugin.id, isolation === 'sandbox', limits.memory, limits.ready));
    guest.adopt(request);
    return guest;
  }

  async #start(
    id: string,
    hardened: boolean,
    memory: number | undefined,
    ready: number,
  ): Promise<ProcessGuest> {
    if (process.allowedNodeEnvironmentFlags?.has('--permission') !== true) throw unwalled(id);
    const source = await import('./process-source.js');
    this.#folder ??= mkdtemp(join(tmpdir(), 'plinth-guest-'));
    const cwd = await this.#folder;
    const heap = Math.max(16_000_000, memory ?? HEAP);
    const child = spawn(
      process.execPath,
      [
        '--permission',
        `--max-old-space-size=${Math.ceil(heap / 1_000_000)}`,
        '--no-warnings',
        '-e',
        FIRST_LINE,
      ],
      {
        cwd,
        env: {},
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        windowsHide: true,
      },
    );
    // A process that couldn't be started has no pipes. Its error event gives the reason later.
    let problem: unknown;
    child.on('error', (error) => {
      problem = error;
    });
    if (child.stdio?.[PIPE] == null) {
      await new Promise((resolve) => setImmediate(resolve));
      throw failed(id, 'its process could not be started', problem);
    }
    const guest = new ProcessGuest(child, id, heap + OVERHEAD);
    try {
      guest.write(firstMessage(source, hardened));
      await guest.announced(ready);
    } catch (error) {
      await guest.terminate();
      throw error;
    }
    return guest;
  }

  async close(): Promise<void> {
    await this.#pool.close();
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
  }
}

/** First messages by whether they harden: each is some hundred kilobytes. */
const firstMessages = new Map<boolean, Uint8Array>();

function firstMessage(
  { hardened, boot, runtime }: typeof import('./process-source.js'),
  harden: boolean,
): Uint8Array {
  const made = firstMessages.get(harden);
  if (made !== undefined) return made;
  const text = `${harden ? `${hardened}\n;` : ''}${boot}\n;plinthProcess.start({ process, socket, rest, setImmediate, AsyncLocalStorage, hardened: ${harden}, runtime: ${JSON.stringify(runtime)} });`;
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  const message = Buffer.concat([head, body]);
  firstMessages.set(harden, message);
  return message;
}

/** One process. */
class ProcessGuest implements Guest {
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

function unwalled(id: string): Error {
  return failed(
    id,
    "this runtime has no permission model ('--permission'), and without it a process is no wall: run Node 22.22, 24.15 or later",
  );
}

function failed(id: string, message: string, cause?: unknown): Error {
  return createError('plugin/launch-failed', `cannot launch ${id}: ${message}`, {
    plugin: id,
    ...(cause !== undefined && { cause }),
  });
}
