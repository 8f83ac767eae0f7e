/** `ctx.needs`: a client for each contract that the plugin needs. */
import { createClient, type Execute } from './client.js';
import type { ContextParts } from './context-parts.js';

/** Creates the clients. */
export function createNeeds(
  { manifest, needs, available }: ContextParts,
  execute: Execute,
): object {
  const clients = Object.create(null) as object;
  for (const [name, { contract, optional }] of needs) {
    const client = createClient(execute, contract, manifest.needs);
    // A getter, because an optional need appears and disappears while the plugin runs.
    Object.defineProperty(clients, name, {
      enumerable: true,
      get: () => (optional && !available.has(name) ? undefined : client),
    });
  }
  return Object.freeze(clients);
}
