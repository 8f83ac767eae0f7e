/**
 * What sources find becomes installed, in its last state. One place of a source provides one line
 * of versions: a later version there takes the place of the one before.
 */
import { compareVersions } from '@plinth/sdk/contract';
import type { PluginPackage } from '../../host.js';
import type { Wanted } from '../../lifecycle/admission.js';
import type { Members } from '../../lifecycle/members.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import { idOf, keyOf, versionIn } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Entries } from './entries.js';
import { withSuperseded } from './entry-changes.js';
import { isKept } from './kept-packages.js';
import { isDisabled, isRetired, type PluginEntry } from './plugin-entry.js';
import type { Reserve } from './reserve.js';
import type { Rivals } from './rivals.js';
import type { Routing } from './routing.js';

/** What this module needs from the kernel. */
export interface AdmittingParts {
  readonly registry: Pick<PluginRegistry, 'get'>;
  readonly members: Pick<Members, 'admit'>;
  readonly entries: Entries;
  readonly reserve: Reserve;
  readonly rivals: Rivals;
  readonly routing: Routing;
}

/** Owns nothing: what it decides is in the entries, the reserve and among the rivals. */
export class Admitting {
  readonly #parts: AdmittingParts;

  constructor(parts: AdmittingParts) {
    this.#parts = parts;
  }

  /** Admits what was found, in its last state. */
  async admit(packages: readonly PluginPackage[]): Promise<void> {
    const { members, rivals, routing } = this.#parts;
    const known = new Set<string>();
    const groups = rivals.among(packages);
    // A request that waits for a late plugin must find it as soon as it has arrived.
    const refused = groups.size === 0 ? NONE_REFUSED : await rivals.foreignAmong(groups);
    const superseded = new Set<string>();
    members.admit(packages, (record) => {
      this.#checkOwner(record, refused);
      const wanted = this.#wanted(record, superseded);
      if (wanted !== false) known.add(record.id);
      return wanted;
    });
    for (const id of known) routing.changed(id);
    for (const key of superseded) await this.#supersede(idOf(key), versionIn(key));
  }

  /** @throws why a package of another owner isn't admitted. It is remembered for a transfer. */
  #checkOwner(
    { id, key, package: one }: ValidatedPlugin,
    refused: ReadonlyMap<PluginPackage, Error>,
  ): void {
    const { registry, rivals } = this.#parts;
    const refusal = refused.get(one);
    if (refusal === undefined || registry.get(key) !== undefined) return;
    rivals.refused(id, one);
    throw refusal;
  }

  /** @param superseded gets the versions that the package takes the place of. */
  #wanted(
    { id, version, key, package: one }: ValidatedPlugin,
    superseded: Set<string>,
  ): ReturnType<Wanted> {
    const { registry, entries, reserve } = this.#parts;
    const entry = entries.of(id);
    const stored = isKept(one);
    const line = stored ? [] : lineOf(entry, version, one.origin);
    // A late package finds another version of its line running. It is used at the next start.
    const late = line.some((other) => registry.get(keyOf(id, other)) !== undefined);
    if (
      isRetired(entry, version) ||
      late ||
      (!stored && isOlderThanItsLine(entry, version, one.origin))
    ) {
      reserve.putAside(key, one);
      return false;
    }
    // The same version in the store is only a fallback for when its source loses it.
    const there = registry.get(key);
    if (there !== undefined && (stored || isKept(there))) return false;
    if (superseded.has(key)) return false;
    for (const before of line) superseded.add(keyOf(id, before));
    return isDisabled(entry, version) ? 'disabled' : true;
  }

  /** A version's place has another version now, so it is not kept any longer. */
  async #supersede(id: string, version: string): Promise<void> {
    const { entries } = this.#parts;
    const versions = [version];
    await entries.change(id, (entry) =>
      withSuperseded(entry, { versions, needless: entries.needless(id, entry, versions) }),
    );
  }
}

const NONE_REFUSED: ReadonlyMap<PluginPackage, Error> = new Map();

/** Installed versions, other than this one, whose line comes from the place that it is in. */
const lineOf = (
  { installed, places = {} }: PluginEntry,
  version: string,
  origin: string,
): readonly string[] =>
  Object.keys(installed).filter((other) => other !== version && places[other]?.includes(origin));

/** Whether a version is later than the one that an earlier place of its line has now. */
const isOlderThanItsLine = (entry: PluginEntry, version: string, origin: string): boolean =>
  lineOf(entry, version, origin).some(
    (other) => entry.places?.[other]?.at(-1) !== origin && compareVersions(other, version) > 0,
  );
