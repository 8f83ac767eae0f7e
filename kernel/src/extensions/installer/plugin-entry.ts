/** What the storage keeps of one plugin, in its present format and in earlier ones. */
import { createError, PluginError } from '@plinth/sdk/contract';

/** Version of the form of {@link PluginEntry}. */
const ENTRY_FORMAT = 2;

/** What is remembered about a plugin id. Versions are named exactly. */
export interface PluginEntry {
  readonly format: typeof ENTRY_FORMAT;
  /** Versions that are disabled. */
  readonly disabled: readonly string[];
  /** Uninstalled or replaced versions that a source still has, or whose package is kept. */
  readonly retired: readonly string[];
  /** Versions whose package is kept in the store, with the text of their manifest. */
  readonly installed: Readonly<Record<string, string>>;
  /** Replaced versions of sources, kept for a rollback, with the text of their manifest. */
  readonly ready: Readonly<Record<string, string>>;
  /** What updates have replaced: the version ready to come back, by the one in its place. */
  readonly previous: Readonly<Record<string, string>>;
  /** Versions that have replaced another and are still on trial. */
  readonly trials: readonly string[];
  /** Why a version is deprecated. */
  readonly deprecated: Readonly<Record<string, string>>;
  /** Decisions about the id and its later versions. Those about one version name it. */
  readonly whole?: 'disabled' | 'uninstalled' | undefined;
  /** Versions that were named since then, and that {@link whole} doesn't apply to. */
  readonly apart?: readonly string[];
  /** Places of an installed version's line, its own last. One place provides one version. */
  readonly places?: Readonly<Record<string, readonly string[]>>;
  /** The origin that the package of a kept version came from, whether it is signed or not. */
  readonly brought?: Readonly<Record<string, string>>;
}

/** Whether a version may not start. */
export const isDisabled = (
  { disabled, whole, apart = [] }: PluginEntry,
  version: string,
): boolean => disabled.includes(version) || (whole === 'disabled' && !apart.includes(version));

/** Whether a version doesn't count as installed, although a source has it. */
export const isRetired = (
  { retired, installed, whole, apart = [] }: PluginEntry,
  version: string,
): boolean =>
  retired.includes(version) ||
  (whole === 'uninstalled' && !apart.includes(version) && !Object.hasOwn(installed, version));

/** The entry of a plugin without any decision. */
export const NO_ENTRY: PluginEntry = Object.freeze({
  format: ENTRY_FORMAT,
  disabled: [],
  retired: [],
  installed: {},
  ready: {},
  previous: {},
  trials: [],
  deprecated: {},
});

/** Versions whose package is kept. */
export const packagesIn = ({ installed, ready }: PluginEntry): readonly string[] => [
  ...Object.keys(installed),
  ...Object.keys(ready),
];

/** Whether an older kernel has written an entry. */
export const isFormer = (value: unknown): boolean =>
  Object.hasOwn(UPGRADES, String((value as { readonly format?: unknown } | undefined)?.format));

/** Undefined without one. Data of an earlier run or another kernel is checked before use. */
export function parseEntry(id: string, value: unknown): PluginEntry | undefined {
  if (value === undefined) return undefined;
  // A registry of its own says what is wrong with what it has.
  if (value instanceof PluginError) throw value;
  const { format } = (value ?? {}) as { readonly format?: unknown };
  if (typeof format === 'number' && format > ENTRY_FORMAT) {
    throw createError(
      'registry/newer-format',
      `what the registry knows of ${id} has the format ${format}, this kernel reads up to ${ENTRY_FORMAT}: use a newer kernel`,
      {
        plugin: id,
        details: { format, supported: ENTRY_FORMAT },
      },
    );
  }
  const upgrade = typeof format === 'number' ? UPGRADES[format] : undefined;
  const entry = (upgrade === undefined ? value : upgrade(value as object)) as Partial<
    Record<keyof PluginEntry, unknown>
  > | null;
  const {
    disabled,
    retired,
    installed,
    ready,
    previous,
    trials,
    deprecated,
    whole,
    apart,
    places,
    brought,
  } = entry ?? {};
  const sound =
    entry?.format === ENTRY_FORMAT &&
    isTexts(trials) &&
    isTextRecord(previous) &&
    isTextRecord(ready) &&
    isTexts(disabled) &&
    isTexts(retired) &&
    isTextRecord(installed) &&
    isTextRecord(deprecated) &&
    (whole === undefined || whole === 'disabled' || whole === 'uninstalled') &&
    (apart === undefined || isTexts(apart)) &&
    (brought === undefined || isTextRecord(brought)) &&
    (places === undefined ||
      (places !== null && typeof places === 'object' && Object.values(places).every(isTexts)));
  if (!sound)
    throw createError('registry/damaged', `what the registry knows of ${id} is not well formed`, {
      plugin: id,
    });
  return entry as unknown as PluginEntry;
}

/** Converts an entry of an older kernel to the next format. */
const UPGRADES: Readonly<Record<number, (entry: object) => object>> = {
  // Only one update of an id could be undone, whichever of its versions it had replaced.
  1: (entry) => {
    const { version, of } = ((entry as { readonly previous?: unknown }).previous ?? {}) as {
      readonly version?: string;
      readonly of?: string;
    };
    return {
      ...entry,
      format: 2,
      ready: {},
      previous: typeof version === 'string' && typeof of === 'string' ? { [of]: version } : {},
      trials: [],
    };
  },
};

const isTexts = (value: unknown) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const isTextRecord = (value: unknown) =>
  value !== null &&
  typeof value === 'object' &&
  Object.values(value).every((one) => typeof one === 'string');
