/** From bundle text to a plugin: the only way plugin code is evaluated in worker-like runtimes. */

import { type AnyContract, handledMembers } from '../contract/contract.js';
import { createSharedError, messageOf } from '../contract/errors.js';
import type { Manifest } from '../contract/manifest-schema.js';
import type { LifecycleHook, Statics } from '../contract/protocol.js';
import type { Plugin } from '../plugin.js';

/** A plugin whose code has run and whose shape was checked. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly statics: Statics;
}

/** Evaluates the text of a bundle. The name is for stacks. */
export type Evaluate = (code: string, name: string) => Promise<{ readonly default?: unknown }>;

/** Takes what wrapped code reads of clocks and randomness. */
type OnRead = (readings: unknown) => void;

/**
 * Evaluates a bundle.
 *
 * @param onRead takes the readings of code that a recorder has wrapped.
 * @throws PluginLifecycleError `plugin/load-failed` when the code doesn't parse, throws while
 * loading, or exports no plugin. It names the plugin, the file and the cause.
 */
export async function loadPlugin(
  manifest: Manifest,
  code: string,
  generation: number,
  evaluate: Evaluate = noCode,
  onRead?: OnRead | false,
): Promise<LoadedPlugin> {
  let exported: unknown;
  try {
    exported = (
      await evaluate(code, `plinth:${manifest.id}@${manifest.version}/plugin.js?${generation}`)
    ).default;
  } catch (cause) {
    const what = cause instanceof SyntaxError ? 'does not parse' : 'threw while loading';
    throw failure(manifest, `${what}: ${messageOf(cause)}`, cause);
  }
  return checkPlugin(manifest, onRead ? (exported as (tell: OnRead) => unknown)(onRead) : exported);
}

/** Checks a bundle's default export: a plugin, or a class of one. */
export function checkPlugin(manifest: Manifest, exported: unknown): LoadedPlugin {
  const plugin = (typeof exported === 'function' ? instantiate(manifest, exported) : exported) as
    | Plugin
    | null
    | undefined;
  if (plugin === null || typeof plugin !== 'object') {
    throw failure(manifest, `has no default export: write 'export default definePlugin({ … })'`);
  }
  if (typeof plugin.activate !== 'function')
    throw failure(manifest, "exports a plugin without 'activate(ctx)'");
  const hooks = HOOKS.filter((hook) => plugin[hook] !== undefined);
  for (const hook of hooks)
    if (typeof plugin[hook] !== 'function')
      throw failure(manifest, `exports a plugin whose '${hook}' is not a function`);
  const { provides = [] } = plugin;
  if (!Array.isArray(provides))
    throw failure(manifest, "exports a plugin whose 'provides' is not a list of contracts");
  return {
    plugin,
    statics: { provides: provides.map(idOf(manifest)), needs: needsOf(manifest, plugin), hooks },
  };
}

const HOOKS: readonly LifecycleHook[] = [
  'configure',
  'deactivate',
  'suspend',
  'resume',
  'getState',
  'restoreState',
  'healthCheck',
];

function instantiate(manifest: Manifest, Class: object): unknown {
  try {
    return new (Class as new () => unknown)();
  } catch (cause) {
    throw createSharedError(
      'plugin/load-failed',
      `cannot load ${manifest.id}: its class threw when it was made: ${messageOf(cause)}`,
      {
        plugin: manifest.id,
        cause,
      },
    );
  }
}

function needsOf(manifest: Manifest, plugin: Plugin): Statics['needs'] {
  return Object.entries(plugin.needs ?? {}).map(([name, need]) => {
    if (need === null || typeof need !== 'object')
      throw failure(manifest, `lists '${name}' in 'needs', which is not a contract`);
    const optional = 'optional' in need && !('$id' in need);
    return {
      name,
      contract: idOf(manifest)(optional ? (need.optional as AnyContract) : (need as AnyContract)),
      optional,
    };
  });
}

const idOf =
  (manifest: Manifest) =>
  (contract: AnyContract): string => {
    if (contract === null || typeof contract !== 'object' || typeof contract.$id !== 'string') {
      throw failure(manifest, "lists something in 'provides' or 'needs' that is not a contract");
    }
    handledMembers(contract);
    return contract.$id;
  };

function failure({ id, main }: Manifest, problem: string, cause?: unknown): Error {
  const file = `${id}/${main}`;
  return createSharedError('plugin/load-failed', `cannot load ${id}: ${file} ${problem}`, {
    plugin: id,
    details: { file },
    ...(cause !== undefined && { cause }),
  });
}

async function noCode(): Promise<never> {
  throw createSharedError('plugin/load-failed', 'this guest cannot evaluate code');
}
