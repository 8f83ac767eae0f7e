/**
 * Starts guests in processes of their own, under Node's permission model. The process may read no
 * file: everything it runs comes over its pipe, as length-prefixed bytes.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Guest, type LaunchRequest, SparePool } from '@plinth/kernel';
import { failed, NO_WALL, PIPE, ProcessGuest, unwalled } from './process-guest.js';

/** Default heap limit of a guest, in bytes. */
const HEAP = 128_000_000;
/**
 * Bytes that a process needs beside its heap. Memory outside the heap counts against the limit too.
 */
const OVERHEAD = 128_000_000;
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
