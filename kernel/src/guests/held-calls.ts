/** Calls that wait in front of a plugin's middleware while no guest of it takes them. */
import type { Manifest, Registration } from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { AnsweringGuest } from './registrant.js';

/** Continues a call that has waited, with the guest that takes over. */
export type Go = (guest: AnsweringGuest, handle: number | undefined, manifest: Manifest) => void;

/**
 * Keeps a call in the plugin's mailbox.
 *
 * @param fail called when no guest takes over.
 * @param refuse called when too much waits.
 */
export type Keep = (go: Go, fail: (why: Error) => void, refuse: (why: Error) => void) => void;

type Next = (input?: unknown) => Promise<unknown>;

/** Owns what lets such calls pass. */
export class HeldCalls {
  readonly #plugin: string;
  readonly #chains: Pick<MiddlewareChains, 'absenceOf' | 'goOn'>;
  readonly #passes = new Map<Registration, Set<() => void>>();

  constructor(plugin: string, chains: Pick<MiddlewareChains, 'absenceOf' | 'goOn'>) {
    this.#plugin = plugin;
    this.#chains = chains;
  }

  /** A middleware has lost its right: what waits in front of it passes. */
  letThrough(registration: Registration): void {
    for (const pass of this.#passes.get(registration) ?? []) pass();
    this.#passes.delete(registration);
  }

  /** Makes a call wait. It goes on once, by whatever comes first. */
  wait(
    registration: Registration,
    call: KernelCall,
    input: unknown,
    next: Next,
    keep: Keep,
  ): Promise<unknown> {
    const { within } = call;
    if (within !== undefined)
      call.within = {
        name: within.name,
        owner: within.owner,
        absence: () => this.#chains.absenceOf(this.#plugin),
      };
    const passes = this.#passes.get(registration) ?? new Set();
    this.#passes.set(registration, passes);
    return new Promise((resolve, reject) => {
      const once = (goOn: () => Promise<unknown>) => {
        if (passes.delete(pass) && !call.over) resolve(goOn());
      };
      const pass = () => once(() => next(input));
      passes.add(pass);
      // A middleware that the next guest doesn't have no longer runs around anything.
      const go: Go = (guest, handle) =>
        once(() => {
          if (handle === undefined) return next(input);
          call.within = within;
          return guest.runMiddleware(handle, call, input, next);
        });
      const kind = registration.name.startsWith('event:') ? 'event' : 'command';
      const fail = (why: Error) =>
        once(() => this.#chains.goOn([kind, this.#plugin], call, input, next, why));
      const refuse = (why: unknown) => {
        passes.delete(pass);
        reject(why);
      };
      call.onCancel(refuse);
      keep(go, fail, refuse);
    });
  }
}
