/** Requests of plugins for rights, one after another, each answered by the person at the page. */
import type { PermissionAnswer, PermissionHandler, PermissionRequest } from '@plinth/host-browser';
import { Changes } from './store.ts';

/** Requests that wait. Further ones are refused: a plugin may not fill the page with dialogs. */
const MOST_WAITING = 5;

interface Waiting {
  readonly request: PermissionRequest;
  answer(answer: PermissionAnswer): void;
}

/** The queue. */
export class Requests {
  readonly changes = new Changes();
  readonly #waiting: Waiting[] = [];

  /** The one to show. */
  get first(): Waiting | undefined {
    return this.#waiting[0];
  }

  readonly ask: PermissionHandler = (request, { signal }) => {
    if (this.#waiting.length >= MOST_WAITING) return false;
    return new Promise<PermissionAnswer>((resolve) => {
      const answer = (given: PermissionAnswer) => {
        const at = this.#waiting.indexOf(waiting);
        // The page shows it until the next frame: a second press says nothing of the next one.
        if (at === -1) return;
        signal.removeEventListener('abort', refuse);
        this.#waiting.splice(at, 1);
        resolve(given);
        this.changes.announce();
      };
      const waiting: Waiting = { request, answer };
      // The kernel wants no answer any more: the plugin is gone, or its time is over.
      const refuse = () => answer(false);
      signal.addEventListener('abort', refuse, { once: true });
      this.#waiting.push(waiting);
      this.changes.announce();
    });
  };
}
