/** What bundlers for browsers take in place of `listen.ts`. */
import { createError } from '@plinth/sdk/contract';
import type { OwnedListeners, Server } from './listen.js';

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export async function listen(): Promise<Server> {
  throw noServer('listen');
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function listenersOf(): OwnedListeners {
  throw noServer('listeners');
}

const noServer = (name: string) =>
  createError(
    'kernel/invalid-option',
    `${name}(): a browser has no server; answer requests with fetch(), in a Service Worker`,
    { details: { option: name } },
  );
