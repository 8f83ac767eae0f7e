/**
 * Builds the context that `activate` receives. It decides no permission: the kernel checks each
 * use.
 */
import type { CommandInfo, PluginContext } from '../../context.js';
import { Op } from '../../contract/operations.js';
import { attempt, contractIn, functionIn, idIn, textIn } from '../arguments.js';
import { requestKernel } from '../kernel-calls.js';
import { createLogger } from '../logger.js';
import { createClient } from './client.js';
import type { ContextParts } from './context-parts.js';
import { createEvents } from './events.js';
import { createExecute } from './execute.js';
import { createFetch } from './fetch.js';
import { createFiles } from './files.js';
import { looseHandle } from './handles.js';
import { createHooks } from './hooks.js';
import { createMessaging } from './messaging.js';
import { createMetrics } from './metrics.js';
import { middlewareHandle } from './middleware.js';
import { createNeeds } from './needs.js';
import { createOwn } from './own.js';
import { createProvide } from './provide.js';
import { createRegistrar } from './registrar.js';
import { createRights } from './rights.js';
import { createSettings } from './settings.js';
import { createStorage } from './storage.js';

/** Creates the context of one activation. */
export function createContext(
  parts: ContextParts,
): PluginContext<Record<string, unknown>, unknown> {
  const { link, manifest, scope } = parts;
  const register = createRegistrar(parts);
  const execute = createExecute(parts);
  const provide = createProvide(parts, register);
  const named = (operation: number, name: unknown, what: string) =>
    attempt(
      () =>
        requestKernel(link, operation, undefined, [
          textIn(name, what, 'call/invalid-option'),
        ]) as Promise<string | undefined>,
    );
  return Object.freeze<PluginContext<Record<string, unknown>, unknown>>({
    plugin: { id: manifest.id, version: manifest.version, manifest },
    tenant: parts.tenant,
    signal: parts.signal,
    get config() {
      return parts.config() as never;
    },
    needs: createNeeds(parts, execute) as never,
    commands: {
      handle: (name, handler) =>
        register('command', idIn(name, manifest.id, 'command'), looseHandle(parts, handler)),
      execute: (id, input, options) => attempt(() => execute(id, input, options)),
      list: () => requestKernel(link, Op.commands, undefined, []) as Promise<CommandInfo[]>,
    },
    events: createEvents(parts, register) as never,
    hooks: createHooks(parts, register) as never,
    middleware: {
      use: (target, middleware, options) =>
        register(
          'middleware',
          target,
          middlewareHandle(parts, target, middleware),
          options && { place: options },
        ),
    },
    messaging: createMessaging(parts, register),
    services: {
      provide,
      get: (contract) => createClient(execute, contractIn(contract), manifest.needs) as never,
    },
    storage: createStorage(link),
    fs: createFiles(link),
    env: { get: (name) => named(Op.env, name, 'the name of a variable') },
    fetch: createFetch(link, parts.handling),
    settings: createSettings(execute, manifest.id),
    secrets: { get: (name) => named(Op.secret, name, 'the name of a secret') },
    logger: createLogger(link),
    metrics: createMetrics(parts),
    permissions: createRights(link),
    provide,
    own: createOwn(parts),
    defer(undo) {
      scope.add(functionIn(undo, 'what is deferred'));
    },
  });
}
