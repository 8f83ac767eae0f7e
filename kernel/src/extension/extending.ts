/** What a tenant asks its extensions. */
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { AnyFactory } from './statics.js';

/** What plugins contribute to a point. */
export interface Contribution {
  readonly plugin: string;
  readonly version: string;
  readonly value: unknown;
}

/** Plain data about extensions: those of the application, and the kernel's own. */
export interface ExtensionDiagnostics {
  readonly extensions: readonly Readonly<Record<string, unknown>>[];
  readonly builtIns: readonly Readonly<Record<string, unknown>>[];
}

/** The questions of a tenant to its extensions. */
export interface ExtensionHost {
  /** @throws PluginConfigurationError `extension/missing` with the line to write. */
  api(factory: AnyFactory): unknown;
  /** @throws PluginError `extension/failed`. */
  open(): Promise<void>;
  run(phase: 'started' | 'stopping'): Promise<void>;
  end(): Promise<void>;
  health(): Promise<{
    readonly unhealthy: readonly PluginError[];
    readonly degraded: readonly PluginError[];
  }>;
  /** The API of an extension by its name. Undefined when it isn't installed. */
  find(name: string): unknown;
  diagnostics(): ExtensionDiagnostics;
  /** @throws PluginConfigurationError `kernel/invalid-option` for an unknown point. */
  contributions(point: string): readonly Contribution[];
  /** A plugin, or its place in the registry, has changed. */
  changed(): void;
}

/** Points that every manifest knows. */
export const OWN_POINTS: ReadonlySet<string> = new Set([
  'commands',
  'events',
  'hooks',
  'messages',
  'middleware',
]);

/** The error for a point that has not been opened. */
export const unknownPoint = (point: string): PluginError =>
  createError(
    'kernel/invalid-option',
    `there is no point 'contributes.${point}' here: open it with createKernel({ contributions: { '${point}': … } })`,
    { details: { point } },
  );
