/**
 * One guest for a plugin of several tenants. Each tenant has its own pipe into the guest, and with
 * it its own identity, context and rights. For the rest of the kernel it is a guest like any other.
 * Tenants have only the plugin's own variables in common.
 */
import { alarm, createError, type LaneMessage, READY } from '@plinth/sdk/contract';
import { type Endpoint, Link, type MessageEventLike, type Turn } from '@plinth/sdk/rpc';
import type { ExitReason, Guest, PluginPackage } from '../host.js';

/** What a shared guest is started with. */
export interface ShareRequest {
  readonly plugin: string;
  readonly package: PluginPackage;
  /** Milliseconds in which it must answer on a new pipe. */
  readonly ready: number;
  readonly turn: Turn;
  defer(task: () => void): void;
  launch(): Promise<Guest>;
}

/** Owns the shared guests until their last tenant has left. */
export class SharedGuests {
  readonly #known = new Map<PluginPackage, Promise<SharedGuest>>();

  /** A tenant's own pipe into the guest of a package. The first tenant starts the guest. */
  async join(request: ShareRequest): Promise<Guest> {
    const found = request.package;
    let known = this.#known.get(found);
    if (known === undefined) {
      const forget = () => {
        if (this.#known.get(found) === known) this.#known.delete(found);
      };
      known = request.launch().then((guest) => new SharedGuest(guest, request, forget));
      this.#known.set(found, known);
      known.catch(forget);
    }
    const shared = await known;
    // Its last tenant has left meanwhile, so this one starts a new guest.
    return shared.leaving ? this.join(request) : shared.join(request);
  }

  /** Drops a guest, so that the next tenant starts a new one. */
  forget(found: PluginPackage): void {
    this.#known.delete(found);
  }
}

class SharedGuest {
  /** Whether no tenant can join it any more: it has ended, is about to, or doesn't answer. */
  leaving = false;
  readonly #guest: Guest;
  readonly #link: Link;
  #tenants = 0;
  readonly #onLeave: () => void;

  /** @param onLeave called at once when no tenant can join any more, perhaps twice. */
  constructor(guest: Guest, { plugin, turn, defer }: ShareRequest, onLeave: () => void) {
    this.#guest = guest;
    this.#onLeave = onLeave;
    const refuse = () => {
      throw createError('wire/refused', `${plugin} speaks outside of its tenants' pipes`, {
        plugin,
      });
    };
    this.#link = new Link({
      endpoint: guest.endpoint,
      plugin,
      stacks: false,
      turn,
      serve: refuse,
      note: refuse,
      control: {},
      onBreach: () => void guest.terminate(),
      defer,
    });
    void guest.exited.then((reason) => {
      this.#link.close(
        createError('guest/exited', `${plugin} has ended`, {
          plugin,
          details: { reason: reason.kind },
        }),
      );
      this.#leave();
    });
  }

  #leave(): void {
    this.leaving = true;
    this.#onLeave();
  }

  async join({ plugin, ready }: ShareRequest): Promise<Guest> {
    this.#tenants += 1;
    const { port1, port2 } = new MessageChannel();
    const pipe = port1 as unknown as Endpoint;
    let settle!: (reason: ExitReason) => void;
    const left = new Promise<ExitReason>((resolve) => {
      settle = resolve;
    });
    let gone = false;
    const terminate = async (whole = false) => {
      if (gone) return;
      gone = true;
      port1.close();
      this.#tenants -= 1;
      if (this.#tenants > 0 && !whole) return settle({ kind: 'terminated' });
      this.#leave();
      await this.#guest.terminate();
      settle({ kind: 'terminated' });
    };
    const exited = Promise.race([left, this.#guest.exited]);
    void this.#guest.exited.then(() => port1.close());
    try {
      const announced = announcement(pipe, plugin, ready, exited);
      this.#link.sendLane(0, { kind: 'join' } satisfies LaneMessage, port2);
      this.#link.flush();
      await announced;
    } catch (error) {
      // A guest that doesn't answer now won't answer later. Its tenants stay in it, and the next
      // one starts a new guest.
      this.#leave();
      await terminate();
      throw error;
    }
    const usage = this.#guest.usage?.bind(this.#guest);
    return { endpoint: pipe, ports: true, exited, terminate, ...(usage && { usage }) };
  }
}

/** Waits for the first message of a tenant's end. */
function announcement(
  pipe: Endpoint,
  plugin: string,
  ready: number,
  exited: Promise<ExitReason>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (then: () => void) => {
      late.clear();
      pipe.removeEventListener('message', onMessage);
      then();
    };
    const fail = (what: string) =>
      done(() =>
        reject(
          createError('plugin/launch-failed', `cannot launch ${plugin}: its shared guest ${what}`, {
            plugin,
          }),
        ),
      );
    const late = alarm(() => fail(`did not answer within ${ready} ms`), ready);
    const onMessage = ({ data }: MessageEventLike) => {
      if (Array.isArray(data) && data[0] === READY) done(resolve);
    };
    pipe.addEventListener('message', onMessage);
    pipe.start?.();
    void exited.then((reason) => fail(`has ended (${reason.kind})`));
  });
}
