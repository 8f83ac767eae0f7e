/**
 * One guest for a plugin of several tenants. Each tenant has a pipe of its own into it, and with that its own identity,
 * context and rights: for the rest of the kernel it is a guest like any other. What the plugin keeps in its own variables
 * is all that the tenants have in common.
 */
import { createError, type LaneMessage, READY } from '@plinth/sdk/contract';
import { type Endpoint, Link, type MessageEventLike, type Turn } from '@plinth/sdk/rpc';
import type { ExitReason, Guest, PluginPackage } from '../host.js';

/** What a shared guest is started with. */
export interface ShareRequest {
  readonly plugin: string;
  readonly package: PluginPackage;
  /** Milliseconds until it must answer on a new pipe. */
  readonly ready: number;
  readonly turn: Turn;
  defer(task: () => void): void;
  launch(): Promise<Guest>;
}

/** Owns the guests that are shared, until their last tenant has left. */
export class SharedGuests {
  readonly #known = new Map<PluginPackage, Promise<SharedGuest>>();

  /** A tenant's own way into the guest of a package; the first one starts it. */
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
    // Its last tenant left in this very moment: the next one begins anew.
    return shared.leaving ? this.join(request) : shared.join(request);
  }

  /** Has whoever comes next start a guest anew. */
  forget(found: PluginPackage): void {
    this.#known.delete(found);
  }
}

class SharedGuest {
  /** Whether nobody can join it any more: it is gone, about to be, or doesn't answer. */
  leaving = false;
  readonly #guest: Guest;
  readonly #link: Link;
  #tenants = 0;
  readonly #onLeave: () => void;

  /** @param onLeave told at once when nobody can join it any more; perhaps twice. */
  constructor(guest: Guest, { plugin, turn, defer }: ShareRequest, onLeave: () => void) {
    this.#guest = guest;
    this.#onLeave = onLeave;
    const refuse = () => {
      throw createError('wire/refused', `${plugin} speaks outside of its tenants' pipes`, { plugin });
    };
    this.#link = new Link({ endpoint: guest.endpoint, plugin, stacks: false, turn, serve: refuse, note: refuse, control: {}, onBreach: () => void guest.terminate(), defer });
    void guest.exited.then((reason) => {
      this.#link.close(createError('guest/exited', `${plugin} has ended`, { plugin, details: { reason: reason.kind } }));
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
      // Who gets no answer now won't get one later: those who are in it stay, and the next one begins anew.
      this.#leave();
      await terminate();
      throw error;
    }
    const usage = this.#guest.usage?.bind(this.#guest);
    return { endpoint: pipe, ports: true, exited, terminate, ...(usage && { usage }) };
  }
}

/** Waits for the first message of a tenant's end. */
function announcement(pipe: Endpoint, plugin: string, ready: number, exited: Promise<ExitReason>): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (then: () => void) => {
      clearTimeout(timer);
      pipe.removeEventListener('message', onMessage);
      then();
    };
    const fail = (what: string) => done(() => reject(createError('plugin/launch-failed', `cannot launch ${plugin}: its shared guest ${what}`, { plugin })));
    const timer = setTimeout(() => fail(`did not answer within ${ready} ms`), ready);
    const onMessage = ({ data }: MessageEventLike) => {
      if (Array.isArray(data) && data[0] === READY) done(resolve);
    };
    pipe.addEventListener('message', onMessage);
    pipe.start?.();
    void exited.then((reason) => fail(`has ended (${reason.kind})`));
  });
}
