/** Requests of plugins for rights, one after another, each answered by the person at the page. */
import type { PermissionAnswer, PermissionRequest } from '@plinth/host-browser';
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

  readonly ask = (request: PermissionRequest): PermissionAnswer | Promise<PermissionAnswer> => {
    if (this.#waiting.length >= MOST_WAITING) return false;
    return new Promise((resolve) => {
      const waiting: Waiting = {
        request,
        answer: (answer) => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          resolve(answer);
          this.changes.announce();
        },
      };
      this.#waiting.push(waiting);
      this.changes.announce();
    });
  };
}
