/** Several packages of one id may have different owners. Only those of one owner are admitted. */
import type { PluginPackage } from '../../host.js';
import type { Bundles } from '../../lifecycle/bundles.js';
import type { Members } from '../../lifecycle/members.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import { idOfPackage } from '../../lifecycle/validate.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { foreign, type Hand, LOCAL, type Owners, placeOf } from './owners.js';

/** What this module needs from the kernel. */
export interface RivalsParts {
  readonly registry: Pick<PluginRegistry, 'versions'>;
  readonly members: Pick<Members, 'validate'>;
  readonly bundles: Pick<Bundles, 'read'>;
  readonly trust: Pick<Trusting, 'identify'>;
  readonly owners: Pick<Owners, 'handOf' | 'of'>;
}

/** Owns the packages that were refused because their ids have other owners. */
export class Rivals {
  readonly #parts: RivalsParts;
  /** Packages whose ids have other owners, by id. */
  readonly #foreign = new Map<string, Set<PluginPackage>>();

  constructor(parts: RivalsParts) {
    this.#parts = parts;
  }

  /** Packages grouped by id, where an id has several. */
  among(packages: readonly PluginPackage[]): ReadonlyMap<string, readonly ValidatedPlugin[]> {
    const byId = new Map<string, PluginPackage[]>();
    for (const one of packages) {
      const id = idOfPackage(one);
      const group = id === undefined ? undefined : byId.get(id);
      if (group !== undefined) group.push(one);
      else if (id !== undefined) byId.set(id, [one]);
    }
    const groups = new Map<string, readonly ValidatedPlugin[]>();
    for (const [id, some] of byId) {
      const there = this.#parts.registry.versions(id).length;
      if (some.length + there < 2) continue;
      const records = some.flatMap((one) => this.#validated(one) ?? []);
      if (records.length + there >= 2) groups.set(id, records);
    }
    return groups;
  }

  /** Undefined for a package whose error is reported when it is admitted. */
  #validated(one: PluginPackage): ValidatedPlugin | undefined {
    try {
      return this.#parts.members.validate(one);
    } catch {
      return undefined;
    }
  }

  /** Packages with another owner's id. The owner wins, then a known publisher, then the first. */
  async foreignAmong(
    rivals: ReadonlyMap<string, readonly ValidatedPlugin[]>,
  ): Promise<ReadonlyMap<PluginPackage, Error>> {
    const refused = new Map<PluginPackage, Error>();
    for (const [id, records] of rivals) {
      const claims = await this.#claimsOn(id, records);
      const owner = await this.#parts.owners.of(id).catch(() => undefined);
      const first =
        claims.find(({ hand }) => hand.name === owner || hand.origin === owner) ??
        claims.find(({ hand }) => hand.name.startsWith('publisher:')) ??
        claims[0];
      if (first === undefined) continue;
      for (const claim of claims) {
        const { found, record, hand, place } = claim;
        if (record === undefined || isOfOne(claim, first)) continue;
        const by = hand.name === first.hand.name ? place : hand.name;
        refused.set(found, foreign(id, record.version, owner ?? first.place, by));
      }
    }
    return refused;
  }

  /** The sources of the installed versions of an id, then those of the packages that come. */
  async #claimsOn(id: string, records: readonly ValidatedPlugin[]): Promise<readonly Claim[]> {
    const { registry, trust, bundles, owners } = this.#parts;
    const places = registry.versions(id).flatMap(({ package: there }) => there);
    for (const record of records)
      await trust.identify(record.package, record.manifest, () => bundles.read(record));
    return [
      ...places.map((found) => ({ found, record: undefined })),
      ...records.map((record) => ({ found: record.package, record })),
    ].flatMap(({ found, record }) => {
      const hand = owners.handOf(found);
      return hand === undefined ? [] : [{ found, record, hand, place: placeOf(found, hand) }];
    });
  }

  /** Remembers a refused package, for when its owner gets the id. */
  refused(id: string, found: PluginPackage): void {
    this.#foreign.set(id, (this.#foreign.get(id) ?? new Set()).add(found));
  }

  /** Hands out the refused packages of an id. */
  take(id: string): ReadonlySet<PluginPackage> {
    const packages = new Set(this.#foreign.get(id));
    this.forget(id);
    return packages;
  }

  forget(id: string): void {
    this.#foreign.delete(id);
  }
}

/** A package that has an id, or wants it. */
interface Claim {
  readonly found: PluginPackage;
  /** Undefined for an installed version. */
  readonly record: ValidatedPlugin | undefined;
  readonly hand: Hand;
  readonly place: string;
}

/** Whether two packages of an id have one owner. */
function isOfOne({ hand, place }: Claim, first: Claim): boolean {
  const local = hand.name === LOCAL && first.hand.name === LOCAL;
  return local
    ? place === first.place || [place, first.place].includes(LOCAL)
    : hand.name === first.hand.name || hand.origin === first.hand.name;
}
