/** `kernel.config`: settings of plugins. */
import type { Manifest } from '@plinth/sdk/contract';
import type { ConfigSource, ConfigStore } from '../config/config-store.js';

/** `kernel.config` without changes while the kernel runs. */
export interface CoreConfig {
  /** The merged settings of a plugin. The returned object is frozen. */
  get(id: string): Readonly<Record<string, unknown>>;
  /** Each leaf by its path (`db.host`) with its value and the layer it comes from. */
  layers(id: string): Readonly<Record<string, ConfigSource>>;
}

/** Makes it. */
export function createHostConfig(
  store: ConfigStore,
  requireManifest: (id: string) => Manifest,
): CoreConfig {
  return {
    get: (id) => store.get(requireManifest(id).id),
    layers: (id) => store.layers(requireManifest(id).id),
  };
}
