/** Stage 1: ask the sources what there is. Nothing is parsed yet. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import type { DiscoveredPlugin } from '../record.js';

/** What a source found, and why it found no more. */
export interface Discovery {
  readonly found: readonly DiscoveredPlugin[];
  readonly problem?: PluginError;
}

/** Runs one source to its end. A source that fails half-way keeps what it has found. */
export async function discover(source: PluginSource): Promise<Discovery> {
  const found: DiscoveredPlugin[] = [];
  const origin = source.origin ?? 'a plugin source';
  try {
    for await (const one of source.discover()) found.push(discovered(one));
  } catch (cause) {
    return { found, problem: createError('plugin/source-failed', `cannot look for plugins in ${origin}: ${messageOf(cause)}`, { details: { origin }, cause }) };
  }
  if (found.length === 0) {
    return { found, problem: createError('plugin/source-failed', `found no plugins in ${origin}: a plugin is a folder or URL with a plugin.json`, { details: { origin } }) };
  }
  return { found };
}

/** What all sources have, and why it is less than it should be. */
export interface Discovered {
  readonly packages: readonly PluginPackage[];
  readonly problems: readonly PluginError[];
}

/** Asks source after source; one that fails keeps what it has found. */
export async function discoverAll(sources: readonly PluginSource[]): Promise<Discovered> {
  const packages: PluginPackage[] = [];
  const problems: PluginError[] = [];
  for (const source of sources) {
    const { found, problem } = await discover(source);
    for (const one of found) packages.push(one.package);
    if (problem !== undefined) problems.push(problem);
  }
  return { packages, problems };
}

/** A package as a record; it is known by its origin until its manifest has been read. */
export function discovered(one: PluginPackage): DiscoveredPlugin {
  return { state: 'discovered', key: one.origin, id: one.origin, origin: one.origin, package: one };
}
