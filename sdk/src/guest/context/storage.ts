/** `ctx.storage`: a request to the kernel for each operation, and updates that compare and swap. */
import type { PluginStorage } from '../../context.js';
import { createSharedError } from '../../contract/errors.js';
import { Op, type StorageVerb } from '../../contract/operations.js';
import type { Link } from '../../rpc/link.js';
import { attempt, functionIn, textIn } from '../arguments.js';
import { requestKernel } from '../kernel-calls.js';
import { timers } from '../own-timers.js';

const MAX_UPDATE_TRIES = 64;

/** Creates the storage of one activation. */
export function createStorage(link: Link): PluginStorage {
  const ask = (verb: StorageVerb, key = '', value?: unknown, revision?: string) =>
    attempt(() =>
      requestKernel(link, Op.storage, value, [
        verb,
        textIn(key, 'a storage key', 'storage/invalid-key', 512),
        revision,
      ]),
    );
  /** Updates of one key run one after another here, so only another tab or kernel can interfere. */
  const turns = new Map<string, Promise<unknown>>();
  const update = async <T>(key: string, change: (current: T | undefined) => T): Promise<T> => {
    for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
      const current = (await ask('read', key)) as {
        readonly revision: string;
        readonly value: unknown;
      };
      const value = change(current.value as T | undefined);
      if (await ask('swap', key, value, current.revision)) return value;
      // Repeated conflicts with another writer: waiting a moment lets both finish.
      if (tries >= 4)
        await new Promise<void>(
          (resolve) => void timers.set(resolve, Math.random() * Math.min(tries, 32)),
        );
    }
    throw createSharedError(
      'storage/conflict',
      `'${key}' changed ${MAX_UPDATE_TRIES} times while it was updated`,
      { details: { key } },
    );
  };
  return {
    get: (key) => ask('get', key),
    set: async (key, value) => void (await ask('set', key, value)),
    delete: (key) => ask('delete', key) as Promise<boolean>,
    has: (key) => ask('has', key) as Promise<boolean>,
    keys: (prefix = '') => ask('keys', prefix) as Promise<string[]>,
    clear: async () => void (await ask('clear')),
    update(key, change) {
      const run = async () => update(key, functionIn(change, 'a change'));
      const done = (turns.get(key) ?? Promise.resolve()).then(run, run);
      turns.set(key, done);
      const forget = () => {
        if (turns.get(key) === done) turns.delete(key);
      };
      done.then(forget, forget);
      return done;
    },
  };
}
