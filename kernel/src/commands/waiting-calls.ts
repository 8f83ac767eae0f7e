/** The order of calls that wait for a plugin to be started. */

const nothing = () => {};

/** Owns the last call that waits, by the plugin and the versions that it means. */
export class WaitingCalls {
  readonly #last = new Map<string, Map<string, Promise<void>>>();

  /** Whether any call waits for a plugin; or one that means the same versions, when given. */
  has(owner: string, route?: string): boolean {
    if (this.#last.size === 0) return false;
    const routes = this.#last.get(owner);
    return routes !== undefined && (route === undefined || routes.has(route));
  }

  /** Continues when a plugin is available, after the calls that have waited for it before. */
  inTurn(owner: string, route: string, ready: Promise<unknown>, go: () => void): Promise<void> {
    const routes = this.#last.get(owner) ?? new Map<string, Promise<void>>();
    const before = routes.get(route);
    const gone = (before === undefined ? ready : before.then(() => ready)).then(go);
    const over = gone.then(nothing, nothing);
    this.#last.set(owner, routes.set(route, over));
    over.then(() => {
      if (routes.get(route) === over) routes.delete(route);
      if (routes.size === 0 && this.#last.get(owner) === routes) this.#last.delete(owner);
    });
    // The call was refused before its turn. The refusal is only reported in its turn.
    ready.catch(nothing);
    return gone;
  }
}
