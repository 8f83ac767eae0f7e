/**
 * For schedules: a kernel over small plugins that notes what happens in which order, and where each
 * hook can be held. What may never be seen is noted as a fault, whatever the schedule.
 */
import {
  createKernel,
  type Guest,
  type Host,
  inlineHost,
  type Kernel,
  type KernelOptions,
  type PackageInput,
  type PluginInfo,
  packageSource,
} from '@plinth/kernel';
import { keep, nextEvent, type Setting } from '../support/kernels.ts';
import { idOf, NEEDS, nameOf } from './schedule-pieces.ts';

/** A place where plugins wait. */
export interface Gate {
  /** The first plugin has come. */
  readonly reached: Promise<void>;
  open(): void;
}

/** A guest that can be ended like a crash. */
interface Watched {
  readonly key: string;
  crash(): void;
}

/**
 * A host that knows which guests live. It can end one like a crash, and make those of a plugin look
 * hung: what they say arrives only later.
 */
class WatchedHost implements Host {
  readonly isolations: Host['isolations'];
  readonly #host: Host;
  readonly live = new Set<Watched>();
  /** What frozen guests have said, by their plugins. */
  readonly frozen = new Map<string, (() => void)[]>();

  constructor(host: Host) {
    this.#host = host;
    this.isolations = host.isolations;
  }

  async launch(request: Parameters<Host['launch']>[0]): Promise<Guest> {
    const { id, version } = request.plugin;
    const guest = await this.#host.launch(request);
    const crashed = Promise.withResolvers<Awaited<Guest['exited']>>();
    const watched: Watched = {
      key: `${id}@${version}`,
      crash: () => {
        crashed.resolve({ kind: 'crashed', error: new Error('gone') });
        void guest.terminate();
      },
    };
    this.live.add(watched);
    void guest.exited.then(() => this.live.delete(watched));
    return {
      endpoint: this.#late(id, guest.endpoint),
      exited: Promise.race([guest.exited, crashed.promise]),
      terminate: () => guest.terminate(),
    };
  }

  async close(): Promise<void> {
    await this.#host.close?.();
  }

  /** Without a direct end, so that guests in this thread can be frozen, too. */
  #late(id: string, endpoint: Guest['endpoint']): Guest['endpoint'] {
    const listeners = new Map<unknown, (event: { readonly data: unknown }) => void>();
    return {
      postMessage: (message, transfer) => endpoint.postMessage(message, transfer),
      addEventListener: (type, listener) => {
        const late = (event: { readonly data: unknown }) => {
          const waiting = this.frozen.get(id);
          if (waiting === undefined) listener(event);
          else waiting.push(() => listener(event));
        };
        listeners.set(listener, late);
        endpoint.addEventListener(type, late);
      },
      removeEventListener: (type, listener) =>
        endpoint.removeEventListener(type, listeners.get(listener) ?? listener),
      start: () => endpoint.start?.(),
      bound: (bounds) => endpoint.bound?.(bounds),
    };
  }
}

/** A kernel over pieces. */
export class Scene {
  readonly kernel: Kernel;
  readonly #host: WatchedHost;
  readonly #gates = new Map<
    string,
    { readonly come: () => void; readonly opened: Promise<void> }
  >();
  /** Kernel events and hooks of plugins, in their order: `suspended middle`, `base deactivate()`. */
  readonly story: string[] = [];
  /** What may never be seen, whatever the schedule. */
  readonly faults: string[] = [];

  constructor(kernel: Kernel, host: WatchedHost) {
    this.kernel = kernel;
    this.#host = host;
    kernel.commands.handle('gate', (what) => this.#pass(what as string));
    kernel.events.on('plugin:*', ({ topic, payload }) =>
      this.#hear(topic.slice('plugin:'.length), payload as { id: string; version?: string }),
    );
  }

  /** The next plugins that come to a place wait there: `middle activate`, `middle@1.1.0 activate`. */
  hold(place: string): Gate {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gates.set(place, { come: reached.resolve, opened: opened.promise });
    return {
      reached: reached.promise,
      open: () => {
        this.#gates.delete(place);
        opened.resolve();
      },
    };
  }

  /** Ends the first guest of a plugin like a crash. Settles when the kernel has told of it. */
  async crash(name: string): Promise<void> {
    const crashed = nextEvent(this.kernel, 'plugin:crashed');
    this.end(name);
    await crashed;
  }

  /** Ends the first guest of a plugin like a crash. */
  end(name: string): void {
    const first = [...this.#host.live].find(({ key }) => key.startsWith(`${idOf(name)}@`));
    if (first === undefined) throw new Error(`${name} has no guest`);
    first.crash();
  }

  /** A plugin does not answer from now on, until the returned function is called. */
  freeze(name: string): () => void {
    const held: (() => void)[] = [];
    this.#host.frozen.set(idOf(name), held);
    return () => {
      this.#host.frozen.delete(idOf(name));
      for (const one of held) one();
    };
  }

  /** The guests that live, by name and version. */
  get guests(): readonly string[] {
    return [...this.#host.live].map(({ key }) => nameOf(key)).sort();
  }

  /** State of a plugin, with the reason of a pause: `active`, `suspended dependency`. */
  state(name: string, range?: string): string | undefined {
    const info = this.kernel.plugins.get(idOf(name), range);
    return info?.reason === undefined ? info?.state : `${info.state} ${info.reason}`;
  }

  states(...names: readonly string[]): readonly (string | undefined)[] {
    return names.map((name) => this.state(name));
  }

  next(name: string): Promise<unknown> {
    return this.call(name, 'next');
  }

  call(name: string, command: string, timeout = 10_000): Promise<unknown> {
    return this.kernel.commands.execute(`${idOf(name)}:${command}`, undefined, { timeout });
  }

  tick(n: number): Promise<unknown> {
    return this.kernel.events.emit('test:tick', n);
  }

  /** Lines of the story about some plugins and topics, from a line on. */
  lines(fits: RegExp, from = 0): readonly string[] {
    return this.story.slice(from).filter((line) => fits.test(line));
  }

  async #pass(what: string): Promise<void> {
    const [who = '', place = ''] = what.split(' ');
    const name = who.slice(0, who.indexOf('@'));
    this.story.push(`${name} ${place}()`);
    if (place === 'deactivate') this.#seek(idOf(name), `${who} stops`);
    for (const key of [`${name} ${place}`, what]) {
      const gate = this.#gates.get(key);
      gate?.come();
      await gate?.opened;
    }
  }

  #hear(topic: string, { id, version }: { readonly id: string; readonly version?: string }): void {
    this.story.push(`${topic} ${nameOf(id)}`);
    if (topic === 'deactivated' || topic === 'unloaded')
      this.#seek(id, `${topic} ${id}@${version}`);
    const need = NEEDS[nameOf(id)];
    if ((topic === 'activated' || topic === 'resumed') && need !== undefined && !this.#isUp(need))
      this.faults.push(`${topic} ${nameOf(id)} without ${need}`);
  }

  /** A plugin leaves: nothing that requires it may be active, unless another version is up. */
  #seek(id: string, when: string): void {
    for (const [name, need] of Object.entries(NEEDS))
      if (
        idOf(need) === id &&
        !this.#isUp(need) &&
        this.#some(name, ({ state }) => state === 'active')
      )
        this.faults.push(`${when} while ${name} is active`);
  }

  #isUp(name: string): boolean {
    const need = NEEDS[name];
    return (
      this.#some(
        name,
        ({ state, reason }) =>
          state === 'active' || (state === 'suspended' && reason !== 'dependency'),
      ) &&
      (need === undefined || this.#isUp(need))
    );
  }

  #some(name: string, fits: (info: PluginInfo) => boolean): boolean {
    return this.kernel.plugins.list().some((info) => info.id === idOf(name) && fits(info));
  }
}

/** A scene whose kernel has not been started. It is stopped after the test. */
export async function sceneOf(
  setting: Setting,
  pieces: readonly PackageInput[],
  options: KernelOptions = {},
): Promise<Scene> {
  const host = new WatchedHost(setting.createHost?.() ?? inlineHost());
  const kernel = keep(
    await createKernel({
      host,
      ...(setting.isolation !== 'worker' && { isolation: setting.isolation }),
      // The output of a test should only be what the test prints.
      telemetry: { log: false },
      supervision: false,
      ...options,
      sources: [packageSource(pieces)],
    }),
  );
  return new Scene(kernel, host);
}

/** A scene whose kernel runs. */
export async function started(...of: Parameters<typeof sceneOf>): Promise<Scene> {
  const scene = await sceneOf(...of);
  await scene.kernel.start();
  return scene;
}
