/** Recordings of plugins' sessions: those that go on, and those that are kept, bounded. */
import { browserHost, type PluginPackage } from '@plinth/host-browser';
import {
  parseRecording,
  type Recording,
  type RecordingSession,
  type ReplayResult,
  recorder,
  replay,
} from '@plinth/kernel/replay';
import { isOwn } from '../kernel/demo-plugins.ts';
import { pageSource } from '../kernel/page-source.ts';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { pluginViews } from '../kernel/plugin-views.ts';
import { Changes } from './store.ts';

/** Bytes of one recording, made or uploaded. */
export const MOST_BYTES = 4_000_000;
/** Recordings that are kept. The oldest goes first. */
const MOST_KEPT = 10;

/** A recording, with how it was replayed last. */
export interface KeptRecording {
  readonly number: number;
  readonly recording: Recording;
  readonly result?: ReplayResult;
  /** What it was replayed against. */
  readonly against?: string;
}

/** Owns them for as long as the page lives. */
export class Recordings {
  readonly changes = new Changes();
  readonly #kernel: PlaygroundKernel;
  readonly #sessions = new Map<string, RecordingSession>();
  #kept: readonly KeptRecording[] = [];
  #last = 0;

  constructor(kernel: PlaygroundKernel) {
    this.#kernel = kernel;
    // A recording ends with its guest, whatever has ended that.
    kernel.events.on('plugin:*', () => void this.#keepEnded());
  }

  /** Newest first. */
  get kept(): readonly KeptRecording[] {
    return this.#kept;
  }

  /** Whether what a plugin does is taken now. */
  isRecording(plugin: string): boolean {
    return this.#sessions.get(plugin)?.end === undefined && this.#sessions.has(plugin);
  }

  /** Keeps what has ended by itself: with its guest, at its bound, or with a stream. */
  async #keepEnded(): Promise<void> {
    for (const [plugin, { end }] of [...this.#sessions])
      if (end !== undefined) await this.stop(plugin).catch(() => {});
  }

  /** Records a plugin from a fresh guest on. */
  async start(plugin: string): Promise<void> {
    const session = await this.#kernel.extension(recorder).record(plugin, { limit: MOST_BYTES });
    this.#sessions.set(plugin, session);
    this.changes.announce();
  }

  async stop(plugin: string): Promise<void> {
    const session = this.#sessions.get(plugin);
    this.#sessions.delete(plugin);
    this.changes.announce();
    if (session !== undefined) this.#keep(await session.stop());
  }

  /** Keeps a recording from a file. @throws PluginValidationError `recording/invalid`. */
  async upload(text: string): Promise<void> {
    this.#keep(await parseRecording(text));
  }

  remove(number: number): void {
    this.#kept = this.#kept.filter((one) => one.number !== number);
    this.changes.announce();
  }

  /**
   * Replays a recording against a build: that from an address, or the one that is installed. Only
   * the page's own builds run without the wall of the sandbox.
   */
  async replay({ number, recording }: KeptRecording, address: string): Promise<void> {
    const id = recording.header.plugin;
    const found = await (address === '' ? this.#installed(id) : fetched(address));
    const own = address === '' && isOwn(id);
    const result = await replay(recording, found, {
      host: browserHost(),
      isolation: own ? 'worker' : 'sandbox',
    });
    const against = address === '' ? 'the installed build' : address;
    this.#kept = this.#kept.map((one) =>
      one.number === number ? { ...one, result, against } : one,
    );
    this.changes.announce();
  }

  /** The installed build as a package of its own: the kernel's is tied to what keeps it. */
  #installed(id: string): PluginPackage {
    const found = this.#kernel.extension(pluginViews).of(id)?.package;
    if (found === undefined)
      throw new Error(`${id} is not installed: give the address of a build of it`);
    const { origin, manifest } = found;
    return { origin, manifest, code: (main, most) => found.code(main, most) };
  }

  #keep(recording: Recording): void {
    this.#last += 1;
    this.#kept = [{ number: this.#last, recording }, ...this.#kept].slice(0, MOST_KEPT);
    this.changes.announce();
  }
}

async function fetched(address: string) {
  for await (const found of pageSource([address]).discover()) {
    if (found.problem !== undefined) throw found.problem;
    return found;
  }
  throw new Error(`there is no plugin at ${address}`);
}
