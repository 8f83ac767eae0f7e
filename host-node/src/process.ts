/**
 * Our side of a guest in a process of its own, under Node's permission model: launch, announce, watch, end. Its side is
 * `plugin-process.ts`. The process may read no file: everything it runs comes over its pipe, as length-prefixed bytes.
 */
import { type ExitReason, type Guest, type LaunchRequest, type ResourceUsage, SparePool } from '@plinth/kernel';
import { createError, messageOf, READY } from '@plinth/sdk/contract';
import { MessageReader, MessageWriter } from '@plinth/sdk/codec';
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from './capture.js';

/** Heap of a guest that says nothing, in bytes. */
const HEAP = 128_000_000;
/** Bytes that a process needs beside its heap; what lies outside of the heap counts against the rest. */
const OVERHEAD = 128_000_000;
/** Milliseconds between two looks at a process's memory. */
const LOOK = 200;
/** Bytes that may wait for a guest that doesn't read. */
const MAX_UNREAD = 256 * 1_024 * 1_024;
const PIPE = 3;

/** What a process ends with that finds itself without its wall. */
const NO_WALL = 73;

/** Looks for the wall, before there is anything to keep behind it; then reads the first message, which is the text of what to run, and runs it. */
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
  new Function('process', 'socket', 'rest', 'setImmediate', held.toString('utf8', 4, end))(process, socket, held.subarray(end), setImmediate);
});`;

/** Guests that are alive: they end with this process. */
const alive = new Set<ChildProcess>();
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL');
};

/** Kinds of spares; those with a limit of their own are started for their plugin. */
const KINDS = { process: 0, sandbox: 1 } as const;
/** Milliseconds until a spare must have announced itself. */
const READY_WITHIN = 10_000;

/** Owns the empty folder that guests of one host start in, and those that wait for their plugin. */
export class ProcessLauncher {
  readonly #pool: SparePool<ProcessGuest>;
  #folder: Promise<string> | undefined;

  /** @param spares processes that are kept started, once there has been one of their kind. */
  constructor(spares: number) {
    this.#pool = new SparePool(spares, (kind) => this.#start('spare', kind === KINDS.sandbox, undefined, READY_WITHIN));
  }

  /** @throws PluginLifecycleError `plugin/launch-failed` that names the wall that is missing. */
  async launch(request: LaunchRequest): Promise<Guest> {
    const { plugin, isolation, limits } = request;
    const spare = limits.memory === undefined ? this.#pool.take(KINDS[isolation as keyof typeof KINDS]) : undefined;
    const guest = spare ?? (await this.#start(plugin.id, isolation === 'sandbox', limits.memory, limits.ready));
    guest.adopt(request);
    return guest;
  }

  async #start(id: string, hardened: boolean, memory: number | undefined, ready: number): Promise<ProcessGuest> {
    if (process.allowedNodeEnvironmentFlags?.has('--permission') !== true) throw unwalled(id);
    const source = await import('./process-source.js');
    this.#folder ??= mkdtemp(join(tmpdir(), 'plinth-guest-'));
    const cwd = await this.#folder;
    const heap = Math.max(16_000_000, memory ?? HEAP);
    const child = spawn(process.execPath, ['--permission', `--max-old-space-size=${Math.ceil(heap / 1_000_000)}`, '--no-warnings', '-e', FIRST_LINE], {
      cwd,
      env: {},
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    // A process that couldn't even be started has no pipes, and says why later.
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

function firstMessage({ hardened, boot, runtime }: typeof import('./process-source.js'), harden: boolean): Uint8Array {
  const text = `${harden ? `${hardened}\n;` : ''}${boot}\n;plinthProcess.start({ process, socket, rest, setImmediate, hardened: ${harden}, runtime: ${JSON.stringify(runtime)} });`;
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
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
  /** What has come before anybody listened. */
  #early: unknown[] | undefined = [];
  #cause: ExitReason | undefined;
  /** Bytes it had before it belonged to a plugin. */
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
        this.#end({ kind: 'crashed', error: createError('wire/refused', `${this.#id} sent what is no message: ${messageOf(error)}`, { plugin: this.#id, cause: error }) });
      }
    });
    // The end of the process says all there is to say.
    this.#pipe.on('error', () => {});
    this.endpoint = {
      postMessage: (message, transfer) => {
        const bytes = writer.write(message);
        for (const buffer of transfer ?? []) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        this.write(bytes);
      },
      addEventListener: (_type, listener) => {
        this.#listeners.add(listener);
        const early = this.#early ?? [];
        this.#early = undefined;
        for (const data of early) listener({ data });
      },
      removeEventListener: (_type, listener) => void this.#listeners.delete(listener),
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
    this.#watch = setInterval(() => void this.#look(), LOOK);
    this.#watch.unref();
  }

  /** It is this plugin's from now on. */
  adopt({ plugin, log }: LaunchRequest): void {
    this.#id = plugin.id;
    this.#log = log;
    void this.#resident().then((bytes = 0) => {
      this.#base = bytes;
    });
    this.#hold('ref');
  }

  /** One that nobody uses must not keep the application alive. */
  #hold(how: 'ref' | 'unref'): void {
    this.#child[how]();
    for (const stream of this.#child.stdio) (stream as Socket | null)?.[how]?.();
  }

  write(bytes: Uint8Array): void {
    if (this.#pipe.destroyed) return;
    if (this.#pipe.writableLength > MAX_UNREAD)
      this.#end({ kind: 'crashed', error: createError('wire/refused', `${this.#id} does not read what it is sent`, { plugin: this.#id }) });
    else this.#pipe.write(bytes);
  }

  /** Resolves when the guest can be spoken to. */
  announced(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(failed(this.#id, `its process did not announce itself within ${timeout} ms`))), timeout);
      const heard = ({ data }: MessageEventLike) => {
        if (Array.isArray(data) && data[0] === READY) done(resolve);
      };
      const done = (then: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(heard);
        this.#early = [];
        this.#hold('unref');
        then();
      };
      this.endpoint.addEventListener('message', heard);
      void this.exited.then(({ kind, code, error }) =>
        done(() => reject(code === NO_WALL ? unwalled(this.#id) : failed(this.#id, `its process ended while it started (${kind})`, error))),
      );
    });
  }

  async usage(): Promise<ResourceUsage> {
    const [resident, cpu] = await Promise.all([this.#resident(), this.#cpu()]);
    return { ...(resident !== undefined && { memory: Math.max(0, resident - this.#base) }), ...(cpu !== undefined && { cpu }) };
  }

  /** Bytes; only Linux tells. */
  async #resident(): Promise<number | undefined> {
    const text = await this.#told('statm');
    return text === undefined ? undefined : Number(text.split(' ')[1]) * PAGE;
  }

  /** Milliseconds; only Linux tells. */
  async #cpu(): Promise<number | undefined> {
    const text = await this.#told('stat');
    // Its name may hold anything, and ends with the last parenthesis: user and system time are the 14th and 15th field.
    const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK;
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

  /** Typed arrays and wasm memory lie outside of the heap: the process as a whole has to stay within its limit. */
  async #look(): Promise<void> {
    const memory = (await this.#resident()) ?? 0;
    if (memory > this.#limit) this.#end({ kind: 'out-of-memory' });
  }
}

const PAGE = 4_096;
/** Milliseconds of a tick of Linux's clock, as it is told to programs. */
const CLOCK_TICK = 10;

/** V8 ends a process that has no heap left by aborting it. */
function reasonOf(code: number | null, signal: string | null): ExitReason {
  if (signal === 'SIGABRT' || signal === 'SIGTRAP' || signal === 'SIGILL' || code === 134) return { kind: 'out-of-memory' };
  if (signal !== null) return { kind: 'crashed', error: new Error(`the process was ended by ${signal}`) };
  return { kind: 'exited', ...(code !== null && { code }) };
}

function unwalled(id: string): Error {
  return failed(id, "this runtime has no permission model ('--permission'), and without it a process is no wall: run Node 22.22, 24.15 or later");
}

function failed(id: string, message: string, cause?: unknown): Error {
  return createError('plugin/launch-failed', `cannot launch ${id}: ${message}`, { plugin: id, ...(cause !== undefined && { cause }) });
}
