/**
 * Merges layers of settings. Objects are merged key by key, at every depth. Everything else,
 * including a list, is replaced.
 */
import type { Manifest } from '@plinth/sdk/contract';
import { freeze, type Settings } from './settings.js';

/** A value and its layer. */
interface Leaf<L> {
  readonly value: unknown;
  readonly layer: L;
}

/** Settings, and each leaf by its path. Both are frozen. */
interface Merged<L> {
  readonly settings: Settings;
  readonly leaves: Readonly<Record<string, Leaf<L>>>;
}

/** An object as a tree. Each key has a leaf, or a further tree. */
type Tree<L> = Map<string, Tree<L> | Leaf<L>>;

/** Merges layers, the weakest first. */
export function mergeLayers<L>(
  layers: readonly (readonly [layer: L, settings: Settings])[],
): Merged<L> {
  const root: Tree<L> = new Map();
  for (const [layer, settings] of layers) lay(root, settings, layer);
  return asMerged(root);
}

/**
 * The same, with the defaults of the manifest's schema for objects that exist. Defaults do not
 * create an object that no layer has, because it may be absent on purpose.
 */
export function withDefaults<L>(
  merged: Merged<L>,
  manifest: Manifest | undefined,
  layer: L,
): Merged<L> {
  const root: Tree<L> = new Map();
  let found = false;
  const fill = (schema: unknown, value: Settings): Settings => {
    const defaults: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(partsOf(schema))) {
      const own = Object.hasOwn(value, key) ? value[key] : undefined;
      if (isObject(own)) {
        const below = fill(part, own);
        if (Object.keys(below).length > 0) defaults[key] = below;
      } else if (own === undefined && part?.default !== undefined) defaults[key] = part.default;
    }
    found ||= Object.keys(defaults).length > 0;
    return defaults;
  };
  const defaults = fill(manifest?.config, merged.settings);
  if (!found) return merged;
  lay(root, freeze(structuredClone(defaults)), layer);
  for (const [path, leaf] of pathsOf(merged)) put(root, path, leaf);
  return asMerged(root);
}

/** Applies a patch to a layer. Objects are merged, and undefined values are removed. */
export function patched(settings: Settings, patch: Settings): Settings {
  const result: Record<string, unknown> = { ...settings };
  for (const [key, value] of Object.entries(patch)) {
    const before = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (value === undefined) delete result[key];
    else result[key] = isObject(value) ? patched(isObject(before) ? before : {}, value) : value;
  }
  return Object.freeze(result);
}

function lay<L>(tree: Tree<L>, settings: Settings, layer: L): void {
  for (const [key, value] of Object.entries(settings)) {
    if (!isObject(value) || Object.keys(value).length === 0) {
      // An empty object keeps the existing contents.
      if (!isObject(value) || !(tree.get(key) instanceof Map)) tree.set(key, { value, layer });
      continue;
    }
    const below = tree.get(key);
    const branch: Tree<L> = below instanceof Map ? below : new Map();
    tree.set(key, branch);
    lay(branch, value, layer);
  }
}

function put<L>(tree: Tree<L>, path: readonly string[], leaf: Leaf<L>): void {
  const [key, ...rest] = path as [string, ...string[]];
  const below = tree.get(key);
  if (rest.length === 0) {
    if (!(below instanceof Map && isObject(leaf.value))) tree.set(key, leaf);
    return;
  }
  const branch: Tree<L> = below instanceof Map ? below : new Map();
  tree.set(key, branch);
  put(branch, rest, leaf);
}

/** The leaves by the keys that lead to them. Keys may contain dots. */
const paths = new WeakMap<object, readonly (readonly [path: readonly string[], leaf: unknown])[]>();

function pathsOf<L>(merged: Merged<L>): readonly (readonly [readonly string[], Leaf<L>])[] {
  return (paths.get(merged) ?? []) as readonly (readonly [readonly string[], Leaf<L>])[];
}

function asMerged<L>(root: Tree<L>): Merged<L> {
  const all: (readonly [readonly string[], Leaf<L>])[] = [];
  const settingsOf = (tree: Tree<L>, above: readonly string[]): Settings => {
    const value: Record<string, unknown> = {};
    for (const [key, one] of tree) {
      const path = [...above, key];
      if (one instanceof Map) value[key] = settingsOf(one, path);
      else {
        value[key] = one.value;
        all.push([path, one]);
      }
    }
    return Object.freeze(value);
  };
  const settings = settingsOf(root, []);
  const merged = {
    settings,
    leaves: Object.freeze(Object.fromEntries(all.map(([path, leaf]) => [path.join('.'), leaf]))),
  };
  paths.set(merged, all);
  return merged;
}

type Part = { readonly default?: unknown } | undefined;

function partsOf(schema: unknown): Readonly<Record<string, Part>> {
  const parts = (schema as { readonly properties?: unknown } | undefined | null)?.properties;
  return isObject(parts) ? (parts as Readonly<Record<string, Part>>) : {};
}

/** Whether a value is a plain object, and not a list, a date or a map. */
function isObject(value: unknown): value is Settings {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
