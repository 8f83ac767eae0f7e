/** Packages that are handed in: fixed as they are now, with their manifest read. */
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import { packageFrom } from '../../lifecycle/take-packages.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import type { PackageSnapshots } from '../../sources/package-snapshots.js';

/** What this module needs from the kernel. */
export interface IncomingParts {
  readonly members: Pick<Members, 'validate'>;
  readonly snapshots: Pick<PackageSnapshots, 'take'>;
}

/** Owns nothing. */
export class Incoming {
  readonly #parts: IncomingParts;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  /** A package is taken at once. @throws what is wrong with the package or its source. */
  take(found: PluginPackage | PluginSource): ValidatedPlugin | Promise<ValidatedPlugin> {
    const { members, snapshots } = this.#parts;
    const validated = (one: PluginPackage) => members.validate(snapshots.take(one));
    const taken = packageFrom(found);
    return taken instanceof Promise ? taken.then(validated) : validated(taken);
  }
}
