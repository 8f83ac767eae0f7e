/** What each operation makes of the entry of a plugin. */
import { type PluginEntry, packagesIn } from './plugin-entry.js';

/** What an entry keeps of a version that comes. */
export interface Arriving {
  readonly version: string;
  /** The text of its manifest, by version. Empty for what can't be kept. */
  readonly installed: Readonly<Record<string, string>>;
  /** The place that it was installed from. Empty for an object of the application. */
  readonly places: readonly string[];
  /** The origin that it came from, by version. Empty when that is unknown. */
  readonly brought: Readonly<Record<string, string>>;
}

/** The entry with one more version installed. */
export const withInstalled = (entry: PluginEntry, next: Arriving): PluginEntry => ({
  ...entry,
  installed: { ...entry.installed, ...next.installed },
  retired: without(entry.retired, next.version),
  disabled: without(entry.disabled, next.version),
  // Undoes a whole uninstall. A disabled id stays disabled, except for this version.
  whole: entry.whole === 'uninstalled' ? undefined : entry.whole,
  apart:
    entry.whole === 'disabled' ? [...without(entry.apart ?? [], next.version), next.version] : [],
  places: { ...entry.places, [next.version]: next.places },
  brought: { ...entry.brought, ...next.brought },
});

/** The entry without an installation that has failed. */
export const withoutInstalled = (entry: PluginEntry, version: string): PluginEntry => ({
  ...entry,
  installed: omit(entry.installed, version),
});

/** Versions that leave an entry, and the packages that only they needed. */
export interface Leaving {
  readonly versions: readonly string[];
  readonly needless: readonly string[];
}

/** The entry without versions that are uninstalled. */
export function withUninstalled(
  entry: PluginEntry,
  { versions, needless, whole }: Leaving & { readonly whole: boolean },
): PluginEntry {
  // A source keeps its package, so the removal is remembered.
  const retired = versions.filter((version) => !Object.hasOwn(entry.installed, version));
  return {
    ...entry,
    ...withoutVersions(entry, { versions, needless }),
    retired: [...without(entry.retired, ...versions), ...retired],
    ...(whole && { whole: 'uninstalled', apart: [] }),
  };
}

/** The entry without a version that its place has replaced by another one. */
export const withSuperseded = (entry: PluginEntry, leaving: Leaving): PluginEntry => ({
  ...entry,
  ...withoutVersions(entry, leaving),
});

/** An update of a version to a later one. */
export interface Updated {
  readonly next: Arriving;
  readonly from: string;
  /** The origin of the version that is replaced. */
  readonly origin: string;
  /** Versions that are recorded for it. */
  readonly replaced: readonly string[];
  /** What the store has of it now, ready for a rollback. */
  readonly ready: Readonly<Record<string, string>>;
  /** Packages that only the version before could roll back to. */
  readonly needless: readonly string[];
  readonly onTrial: boolean;
}

/** The entry with one version in the place of another, which is ready to come back. */
export function withUpdated(entry: PluginEntry, updated: Updated): PluginEntry {
  const { next, from, origin, replaced, ready, needless, onTrial } = updated;
  const { version } = next;
  return {
    ...entry,
    // Releases only what the old version replaced. Others may have installed unknown ones.
    installed: { ...omit(entry.installed, ...needless), ...next.installed },
    ready: {
      ...omit(entry.ready, version, ...needless),
      ...(Object.hasOwn(entry.installed, from) ? {} : ready),
    },
    retired: [...without(entry.retired, version, ...replaced), ...replaced],
    disabled: entry.disabled.includes(from)
      ? [...without(entry.disabled, from, version), version]
      : without(entry.disabled, version),
    previous: { ...omit(entry.previous, from), [version]: from },
    apart: apartAfter(entry, from, version),
    brought: { ...entry.brought, ...next.brought },
    places: {
      ...omit(entry.places ?? {}, from),
      [version]: [...new Set([...(entry.places?.[from] ?? [origin]), ...next.places])].slice(
        -MAX_PLACES,
      ),
    },
    trials: [...without(entry.trials, from, version), ...(onTrial ? [version] : [])],
  };
}

/** The return of a version in the place of the one that has replaced it. */
export interface RolledBack {
  /** The version that goes. */
  readonly of: string;
  readonly version: string;
  /** What the version that comes back stands for. */
  readonly standsFor: readonly string[];
  /** The text of its manifest, by version, when the store keeps it from now on. */
  readonly installed: Readonly<Record<string, string>>;
}

/** The entry with the version before in its place again. */
export function withRolledBack(
  entry: PluginEntry,
  { of, version, standsFor, installed }: RolledBack,
): PluginEntry {
  return {
    ...entry,
    // Its place may still have the version that goes. It is not taken from there again.
    retired: [...without(entry.retired, of, version, ...standsFor), of],
    installed: { ...omit(entry.installed, of), ...installed },
    apart: apartAfter(entry, of, version),
    places: {
      ...omit(entry.places ?? {}, of),
      ...(entry.places?.[of] !== undefined && { [version]: entry.places[of] }),
    },
    ready: omit(entry.ready, version),
    disabled: entry.disabled.includes(of)
      ? [...without(entry.disabled, of), version]
      : entry.disabled,
    previous: omit(entry.previous, of),
    trials: without(entry.trials, of),
  };
}

/** A decision whether versions may start. */
export interface Switched {
  readonly versions: readonly string[];
  readonly enabled: boolean;
  /** Whether it is about one version by name, not about the whole id. */
  readonly named: boolean;
}

/** The entry with versions enabled or disabled. */
export function withSwitched(
  entry: PluginEntry,
  { versions, enabled, named }: Switched,
): PluginEntry {
  const { whole, apart = [] } = entry;
  const disabled = [...without(entry.disabled, ...versions), ...(enabled ? [] : versions)];
  if (!named)
    return {
      ...entry,
      disabled,
      apart: [],
      whole: enabled ? (whole === 'disabled' ? undefined : whole) : 'disabled',
    };
  return {
    ...entry,
    disabled,
    apart: [...without(apart, ...versions), ...(enabled && whole === 'disabled' ? versions : [])],
  };
}

/** The entry with a version deprecated, or not any more. */
export const withDeprecated = (
  entry: PluginEntry,
  version: string,
  message: string | false,
): PluginEntry => ({
  ...entry,
  deprecated: {
    ...omit(entry.deprecated, version),
    ...(message !== false && { [version]: message }),
  },
});

/** The entry after a version has passed its trial. */
export const withoutTrial = (entry: PluginEntry, version: string): PluginEntry => ({
  ...entry,
  trials: without(entry.trials, version),
});

/**
 * Packages that were ready for versions, and are neither installed nor ready for others.
 *
 * @param isThere whether a version is installed now.
 */
export function needlessIn(
  entry: PluginEntry,
  versions: readonly string[],
  isThere: (version: string) => boolean,
): readonly string[] {
  const others = Object.values(withoutPrevious(entry.previous, versions));
  return versions
    .flatMap((of) => entry.previous[of] ?? [])
    .filter((version) => !others.includes(version) && !isThere(version));
}

/** Versions whose package one entry keeps, and the next one doesn't. */
export const releasedBy = (before: PluginEntry, after: PluginEntry): readonly string[] =>
  without(packagesIn(before), ...packagesIn(after));

const withoutVersions = (entry: PluginEntry, { versions, needless }: Leaving) => ({
  installed: omit(entry.installed, ...versions, ...needless),
  ready: omit(entry.ready, ...versions, ...needless),
  disabled: without(entry.disabled, ...versions),
  deprecated: omit(entry.deprecated, ...versions),
  previous: withoutPrevious(entry.previous, versions),
  trials: without(entry.trials, ...versions),
  places: omit(entry.places ?? {}, ...versions),
});

/** The decision about the whole id applies to the next version as it did to the one before. */
const apartAfter = ({ apart = [] }: PluginEntry, from: string, to: string): readonly string[] =>
  apart.includes(from) ? [...without(apart, to), to] : apart;

/** Most places that are remembered of one line. */
const MAX_PLACES = 16;

const without = (list: readonly string[], ...gone: readonly string[]) =>
  list.filter((one) => !gone.includes(one));
const omit = <T>(
  record: Readonly<Record<string, T>>,
  ...gone: readonly string[]
): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !gone.includes(key)));
/** Without what is ready for versions, or is one of them. */
const withoutPrevious = (previous: Readonly<Record<string, string>>, versions: readonly string[]) =>
  Object.fromEntries(
    Object.entries(previous).filter(
      ([of, version]) => !versions.includes(of) && !versions.includes(version),
    ),
  );
