/**
 * The hosts of a test kernel. They start real guests, and keep hold of each, so that a fault can end
 * it or cut its connection.
 */
import type { ExitReason, Guest, Host, LaunchRequest } from '@plinth/kernel';

type Endpoint = Guest['endpoint'];
type Listener = Parameters<Endpoint['addEventListener']>[1];

/** A guest that can be ended and cut off. */
export interface HeldGuest {
  readonly plugin: string;
  /** Ends it as a crash does. */
  crash(error: Error): Promise<void>;
  /** Keeps all messages until they are let through again. */
  cut(): void;
  mend(): void;
}

/** Owns the guests that run. */
export class Guests {
  readonly #running = new Set<HeldGuest>();

  of(plugin: string): readonly HeldGuest[] {
    return [...this.#running].filter((one) => one.plugin === plugin);
  }

  /** The same host, whose guests are held here. */
  host(host: Host): Host {
    const launch = async (request: LaunchRequest) =>
      this.#hold(request.plugin.id, await host.launch(request));
    return new Proxy(host, {
      get: (target, key) => {
        if (key === 'launch') return launch;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  #hold(plugin: string, guest: Guest): Guest {
    let crash: (reason: ExitReason) => void = () => {};
    const crashed = new Promise<ExitReason>((resolve) => {
      crash = resolve;
    });
    const pipe = new Pipe(guest.endpoint);
    const exited = Promise.race([guest.exited, crashed]);
    const held: HeldGuest = {
      plugin,
      crash: async (error) => {
        crash({ kind: 'crashed', error });
        await guest.terminate(true);
      },
      cut: () => pipe.cut(),
      mend: () => pipe.mend(),
    };
    this.#running.add(held);
    exited.then(() => {
      this.#running.delete(held);
      pipe.end();
    });
    const { usage, profile, terminate } = guest;
    return {
      endpoint: pipe.endpoint,
      exited,
      ...(guest.ports !== undefined && { ports: guest.ports }),
      ...(usage !== undefined && { usage: () => usage.call(guest) }),
      ...(profile !== undefined && { profile: (time: number) => profile.call(guest, time) }),
      terminate: (whole) => terminate.call(guest, whole),
    };
  }
}

/** The pipe to a guest, which can be cut. Messages keep their order. */
class Pipe {
  readonly endpoint: Endpoint;
  readonly #inner: Endpoint;
  readonly #listeners = new Map<Listener, Listener>();
  #kept: (() => void)[] | undefined;
  #ended = false;

  constructor(inner: Endpoint) {
    this.#inner = inner;
    const { start, bound } = inner;
    // Without `direct`: inline guests, too, are only reached by messages, which can be kept.
    this.endpoint = {
      postMessage: (message, transfer) => {
        if (this.#ended) return;
        if (this.#kept === undefined) return inner.postMessage(message, transfer);
        // The sender may change the message as soon as it is posted.
        const copy = structuredClone(message, transfer === undefined ? undefined : { transfer });
        this.#kept.push(() => inner.postMessage(copy));
      },
      addEventListener: (type, listener) => {
        const own: Listener = (event) => {
          const { data } = event;
          if (this.#kept === undefined) listener(event);
          else this.#kept.push(() => listener({ data }));
        };
        this.#listeners.set(listener, own);
        inner.addEventListener(type, own);
      },
      removeEventListener: (type, listener) => {
        const own = this.#listeners.get(listener);
        this.#listeners.delete(listener);
        if (own !== undefined) inner.removeEventListener(type, own);
      },
      ...(start !== undefined && { start: () => start.call(inner) }),
      ...(bound !== undefined && { bound: (bounds) => bound.call(inner, bounds) }),
    };
  }

  cut(): void {
    if (!this.#ended) this.#kept ??= [];
  }

  mend(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const pass of kept) pass();
  }

  /** The guest has ended: nothing is delivered any more. */
  end(): void {
    this.#ended = true;
    this.#kept = undefined;
    for (const own of this.#listeners.values()) this.#inner.removeEventListener('message', own);
  }
}
