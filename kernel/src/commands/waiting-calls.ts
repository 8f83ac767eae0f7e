/** The order of calls that wait for a plugin to be started. */
import { addressOf, createError, ownerOf } from '@plinth/sdk/contract';
import { MAX_WAITING } from '../calls/most-waiting.js';

const nothing = () => {};

/** Where a call waits. What waits for one provider of a contract doesn't wait for the others. */
export function lineOf(address: string): string {
  const { id, provider } = addressOf(address);
  const owner = ownerOf(id);
  return provider === undefined || provider === owner ? owner : `${owner}@${provider}`;
}

/** What waits for one plugin. */
interface Line {
  waiting: number;
  /** The last call, by the versions that it means. */
  readonly last: Map<string, Promise<void>>;
}

/** Owns the calls that wait, by plugin. */
export class WaitingCalls {
  readonly #lines = new Map<string, Line>();

  /** Whether any call waits for a plugin; or one that means the same versions, when given. */
  has(owner: string, route?: string): boolean {
    if (this.#lines.size === 0) return false;
    const line = this.#lines.get(owner);
    return line !== undefined && (route === undefined || line.last.has(route));
  }

  /**
   * Continues when a plugin is available, after the calls that have waited for it before. Rejects
   * with PluginOverloadedError `call/overloaded` at once when too many wait.
   *
   * @param owner what answers: a plugin, an open contract, or one provider of it.
   */
  inTurn(owner: string, route: string, ready: Promise<unknown>, go: () => void): Promise<void> {
    // The call was refused before its turn. The refusal is only reported in its turn.
    ready.catch(nothing);
    const line = this.#lines.get(owner) ?? { waiting: 0, last: new Map<string, Promise<void>>() };
    if (line.waiting >= MAX_WAITING)
      return Promise.reject(
        createError('call/overloaded', `too much waits for ${owner}: ${MAX_WAITING} messages`, {
          plugin: addressOf(owner).provider ?? owner,
        }),
      );
    const before = line.last.get(route);
    const gone = (before === undefined ? ready : before.then(() => ready)).then(go);
    const over = gone.then(nothing, nothing);
    line.waiting += 1;
    line.last.set(route, over);
    this.#lines.set(owner, line);
    over.then(() => {
      line.waiting -= 1;
      if (line.last.get(route) === over) line.last.delete(route);
      if (line.last.size === 0 && this.#lines.get(owner) === line) this.#lines.delete(owner);
    });
    return gone;
  }
}
